/** What no browser runs, whatever it contains. */
const HARMLESS = new Set([
  "application/gzip",
  "application/json",
  "application/octet-stream",
  "application/pdf",
  "application/zip",
  "image/avif",
  "image/gif",
  "image/jpeg",
  "image/png",
  "image/webp",
  "text/csv",
  "text/markdown",
  "text/plain",
]);
const TEXT = /^(text\/|application\/(.+\+)?(json|yaml|x-yaml|toml|xml|javascript|x-ndjson|sql)$)/;

/** The type to serve an artifact under: the recorded one if it is harmless, else plain text or bytes. */
export function servedType(recorded: string | undefined): string {
  const type = recorded?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (HARMLESS.has(type))
    return type.startsWith("text/") || type.endsWith("/json") ? `${type}; charset=utf-8` : type;
  return TEXT.test(type) ? "text/plain; charset=utf-8" : "application/octet-stream";
}
