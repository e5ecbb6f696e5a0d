import { StagefoldError } from "../errors.ts";

/** Seconds after which a caller may try again. */
const RETRY_AFTER = 5;

/** What an operator can act on; every other code is told by its name. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "the access is denied",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than the system allows",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENOENT: "the folder of the store cannot be created, or is gone",
  ENOSPC: "the disk is full",
  ENOTDIR: "a file is where the store needs a folder",
  EPERM: "the access is denied",
  EROFS: "the file system is read-only",
  EXDEV: "the folder for temporary files is on another file system",
};

/** The code of an error of the operating system (`ENOENT` …); undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** `work`, whose errors of the operating system become STORE_UNAVAILABLE: "The store cannot <doing>: …". */
export async function disk<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(doing, error);
  }
}

/** Says no path, since the sentence reaches callers; the cause has it. What is no system error stays as it is. */
export function storeError(doing: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === "ENAMETOOLONG") return refused("expected a shorter path", error);
  const reason = REASONS[code];
  return unavailable(`The store cannot ${doing}: ${reason ? `${reason} (${code})` : code}.`, error);
}

export function unavailable(sentence: string, cause?: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  return new StagefoldError("STORE_UNAVAILABLE", sentence, { retry_after: RETRY_AFTER }, { cause });
}

export function refused(issue: string, cause?: unknown): StagefoldError<"INVALID_INPUT"> {
  return new StagefoldError(
    "INVALID_INPUT",
    `The store refuses this: ${issue}.`,
    { issues: [issue] },
    { cause },
  );
}
