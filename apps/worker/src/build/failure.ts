import {
  type ArtifactStore,
  FAILURE_CODES,
  type FailureCode,
  isStagefoldError,
  type Stage,
  scopeOf,
} from "@stagefold/core";
import type { RetryPolicy } from "@stagefold/pipeline";
import { jittered } from "../async.ts";
import type { StageFailure } from "../runner/protocol.ts";

const MAX_DELAY_SECONDS = 86_400;
/** Another attempt would end the same way. */
const FINAL: readonly FailureCode[] = ["PIPELINE_CHANGED", "ITEM_FULL"];

/** The closed list's name for a code that may be a stage's own. */
export function failureCode(code: string): FailureCode {
  return FAILURE_CODES.find((known) => known === code) ?? "STAGE_FAILED";
}

/** Seconds until the next attempt; undefined when there is none. */
export function retryDelay(stage: Stage, policy: RetryPolicy, failure: StageFailure): number | undefined {
  const code = failureCode(failure.code);
  const finalCodes = policy.final_codes ?? [];
  if (failure.final === true || FINAL.includes(code)) return undefined;
  if (finalCodes.includes(failure.code) || finalCodes.includes(code)) return undefined;
  const used = (stage.failed_attempts ?? 0) + 1;
  if (used >= policy.attempts) return undefined;
  if (failure.retry_in_seconds !== undefined) return Math.min(MAX_DELAY_SECONDS, failure.retry_in_seconds);
  const seconds = jittered(policy.backoff_seconds * 2 ** (used - 1));
  return Math.min(MAX_DELAY_SECONDS, Math.round(seconds * 1000) / 1000);
}

/** What a stage fails with when one of its writes was refused. */
export function refusedWrite(error: unknown): StageFailure {
  const message = error instanceof Error ? error.message : String(error);
  const code = isStagefoldError(error, "SNAPSHOT_TOO_LARGE") ? "ITEM_FULL" : "STAGE_FAILED";
  // An agent that is another user's stays that.
  return { message, code, ...(isStagefoldError(error, "FORBIDDEN") && { final: true }) };
}

/**
 * Whether the artifact store answers no question at all. One that answers another question refuses what this build
 * needs, and will at every worker: only then do those that could not run it end the build.
 */
export async function storeIsAway(
  artifacts: ArtifactStore,
  projectId: string,
  error: unknown,
): Promise<boolean> {
  if (scopeOf(error) !== "store") return false;
  try {
    await artifacts.getDocument(projectId, "none");
    return false;
  } catch (again) {
    return scopeOf(again) === "store";
  }
}
