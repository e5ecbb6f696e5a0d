import { errorCode, fsReason } from "@stagefold/node-files";
import { StagefoldError } from "../errors.ts";

/** Seconds after which a caller may try again. */
const RETRY_AFTER = 5;

/** `work`, whose errors of the operating system become STORE_UNAVAILABLE: "The store cannot <doing>: …". */
export async function mapFsErrors<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(doing, error);
  }
}

/** Says no path, since the sentence reaches callers; the cause has it. Any other error stays as it is. */
export function storeError(doing: string, error: unknown): unknown {
  const reason = fsReason(error);
  if (reason === undefined) return error;
  if (errorCode(error) === "ENAMETOOLONG") return invalidInput("expected a shorter path", error);
  return unavailable(`The store cannot ${doing}: ${reason}.`, error);
}

export function unavailable(sentence: string, cause?: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  return new StagefoldError("STORE_UNAVAILABLE", sentence, { retry_after: RETRY_AFTER }, { cause });
}

export function invalidInput(issue: string, cause?: unknown): StagefoldError<"INVALID_INPUT"> {
  return new StagefoldError(
    "INVALID_INPUT",
    `The store refuses this: ${issue}.`,
    { issues: [issue] },
    { cause },
  );
}
