import { StagefoldError } from "@stagefold/core";

/** SQLite's primary result codes that an operator can act on. */
const REASONS: Readonly<Record<number, string>> = {
  3: "the access to its file is denied",
  5: "other processes write without a pause",
  6: "other processes write without a pause",
  8: "its file or folder is read-only",
  10: "the disk does not read or write it",
  11: "its file is damaged; restore a backup",
  13: "the disk is full",
  14: "its file cannot be opened",
  23: "the access to its file is denied",
  26: "its file is damaged or no SQLite database; restore a backup",
};
const BUSY = new Set([5, 6]);
const CODE_NAMES: Readonly<Record<number, string>> = {
  3: "SQLITE_PERM",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  23: "SQLITE_AUTH",
  26: "SQLITE_NOTADB",
};

/** What SQLite calls these: the package's driver gives no code with an error of `all` or `iterate`. */
const SENTENCES: readonly (readonly [beginning: string, code: number])[] = [
  ["access permission denied", 3],
  ["database is locked", 5],
  ["database table is locked", 6],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["file is not a database", 26],
];

/** SQLite's primary result code of an error; undefined for every other error. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return undefined;
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode & 0xff;
  return SENTENCES.find(([beginning]) => error.message.startsWith(beginning))?.[1];
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && BUSY.has(code);
}

/** What SQLite throws becomes one clear sentence; every other error stays as it is. Says no path: callers read it. */
export function asStoreError(error: unknown): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  const reason = REASONS[code];
  if (reason !== undefined)
    return unavailable(`The database cannot be used: ${reason} (${CODE_NAMES[code]}).`, error);
  const message = error instanceof Error ? error.message : String(error);
  return new StagefoldError("INTERNAL", `The database refused a statement: ${message}`, {}, { cause: error });
}

export function unavailable(sentence: string, cause?: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  return new StagefoldError("STORE_UNAVAILABLE", sentence, { retry_after: 5 }, { cause });
}
