/**
 * Whether a warning is about a file of ours.
 * @param {import("rolldown").RolldownLog} log
 */
export function isAboutOurs({ id, ids = [], loc }) {
  const files = [id, ...ids, loc?.file].filter((file) => file !== undefined);
  return files.some((file) => !file.includes("node_modules"));
}
