import { createRequire } from "node:module";
import type { DatabaseSync } from "@photostructure/sqlite";
import { StagefoldError } from "@stagefold/core";

type Driver = Pick<typeof import("@photostructure/sqlite"), "DatabaseSync">;
export type Connection = InstanceType<typeof DatabaseSync>;
export type Statement = ReturnType<Connection["prepare"]>;

/** Older ones lose commits when two processes write: the WAL-reset bug, repaired in 3.51.3. */
const OLDEST = "3.51.3";

const require = createRequire(import.meta.url);
let chosen: Driver | undefined;

/**
 * Node's own SQLite where it is new enough, else the one of a package with the same interface. All of a process must take
 * it from here: two libraries in one process do not see each other's locks, and the one that closes ends those of the other.
 */
export function connect(path: string, options: { readonly readOnly?: boolean } = {}): Connection {
  chosen ??= isNewEnough(process.versions.sqlite) ? nodeDriver() : packageDriver();
  const connection = new chosen.DatabaseSync(path, { readOnly: options.readOnly === true });
  let version: string;
  try {
    version = versionOf(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  if (isNewEnough(version)) return connection;
  connection.close();
  throw new StagefoldError(
    "STORE_UNAVAILABLE",
    `SQLite ${version} can lose writes of several processes; Stagefold needs ${OLDEST} or later.`,
    { retry_after: 3600 },
  );
}

export function versionOf(connection: Connection): string {
  const row: unknown = connection.prepare("SELECT sqlite_version() AS version").get();
  return typeof row === "object" && row !== null ? String(Reflect.get(row, "version")) : "unknown";
}

export function isNewEnough(version: string | undefined): boolean {
  const [found, needed] = [version ?? "", OLDEST].map((text) => text.split(".").map(Number));
  for (const [i, part] of (needed ?? []).entries()) {
    const here = found?.[i] ?? 0;
    if (here !== part) return here > part;
  }
  return true;
}

function nodeDriver(): Driver {
  // Node 22 calls it experimental with every start; what is used of it has not changed since.
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return require("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

function packageDriver(): Driver {
  return require("@photostructure/sqlite");
}
