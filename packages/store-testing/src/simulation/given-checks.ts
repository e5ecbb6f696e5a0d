import type { Change } from "./checks.ts";
import { LEASE_MS } from "./connection.ts";
import { startsOf } from "./ledger.ts";
import { isSameJson } from "./same.ts";

// What a build was given: its start, its budget, its input.

/** By the clock of the one who claims, the first claim of a build is not before its start. */
export function startedEarly({ effect, before, after }: Change): string | undefined {
  if (effect.patch.transition !== "claim" || before.start_at === undefined) return undefined;
  const isFirst = before.lease_token === Math.floor(Date.parse(before.created_at) / 1000);
  const { expires_at } = after.lease;
  if (!isFirst || expires_at === undefined) return undefined;
  const at = new Date(Date.parse(expires_at) - LEASE_MS).toISOString();
  return at < before.start_at ? `claimed at ${at}, to be started at ${before.start_at}` : undefined;
}

/** Counted here, whatever the item says of what it has spent. A build without a limit at first counts from then on. */
export function budgetOverrun({ before, after, plan, account }: Change): string | undefined {
  const { limits } = before;
  if (limits?.attempts === undefined) return undefined;
  const begun = startsOf(before, after);
  const counting = begun.filter((key) => !plan.some((one) => one.stage === key && one.finally));
  const had = account.starts;
  if (counting.length > 0 && had + counting.length > limits.attempts)
    return `${counting} began after ${had} attempts of ${limits.attempts}`;
  const isNew = before.error_info === undefined && after.error_info?.code === "BUDGET_EXCEEDED";
  return isNew && had + begun.length < limits.attempts
    ? `it has failed for its budget with ${had + begun.length} attempts of ${limits.attempts}`
    : undefined;
}

/** Only a retry changes what a build was given, and says so. */
export function inputChanged({ effect, before, after }: Change): string | undefined {
  const isSame = isSameJson(before.input ?? null, after.input ?? null);
  if (effect.patch.transition !== "retry" || after.input_run !== after.run)
    return isSame && after.input_run === before.input_run
      ? undefined
      : `${effect.patch.transition} changed the input`;
  return isSame ? `run ${after.run} is said to have another input, and has the same` : undefined;
}
