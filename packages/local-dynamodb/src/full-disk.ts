import { codeOf, reasonOf } from "./errors.ts";

/** What systems and engines say when there is no room left, or no more is allowed to this user. */
const CODES: readonly string[] = ["ENOSPC", "EDQUOT"];
const WORDS = /no space left on device|disk is full|disk quota exceeded|ENOSPC|EDQUOT/i;

/** Whether this went wrong because the disk is full: an error with all of its causes, or an engine's last words. */
export function isDiskFull(error: unknown): boolean {
  if (WORDS.test(reasonOf(error))) return true;
  if (CODES.includes(codeOf(error) ?? "")) return true;
  return error instanceof Error && error.cause !== undefined && isDiskFull(error.cause);
}
