/** Parts of Node that open files without asking for permission, where it has them. */
const BEHIND_PERMISSIONS = ["sqlite", "webstorage"];

/**
 * Flags for a Node process that runs the code of others: it reads and writes below these folders alone (real paths
 * ending in `/*`, or one file), and starts no process, thread or native code.
 */
export function permissionFlags(read: readonly string[], write: readonly string[]): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  return [
    known.has("--permission") ? "--permission" : "--experimental-permission",
    "--disable-warning=ExperimentalWarning",
    ...BEHIND_PERMISSIONS.filter((name) => known.has(`--experimental-${name}`)).map(
      (name) => `--no-experimental-${name}`,
    ),
    ...read.map((path) => `--allow-fs-read=${path}`),
    ...write.map((path) => `--allow-fs-write=${path}`),
  ];
}
