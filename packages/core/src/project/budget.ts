import { isUnderway, roundedCost } from "../snapshot/derive.ts";
import type { Limits, Project, Spent, Stage } from "../snapshot/schema.ts";
import { secondsBetween } from "../snapshot/time.ts";

export const NOTHING_SPENT: Spent = { cost_usd: 0, tokens: 0, seconds: 0, attempts: 0 };

export const LIMIT_NAMES = [
  "cost_usd",
  "tokens",
  "seconds",
  "attempts",
] as const satisfies readonly (keyof Limits)[];

/** Which limit leaves nothing for a further stage, as a sentence; undefined when one may start. */
export function budgetProblem({ limits, spent = NOTHING_SPENT }: Project): string | undefined {
  const name = LIMIT_NAMES.find((one) => limits?.[one] !== undefined && spent[one] >= (limits[one] ?? 0));
  if (name === undefined) return undefined;
  return `The build has used ${spent[name]} of ${limits?.[name]} (${name}): no further stage starts.`;
}

/** What remains of each limit, never below 0. */
export function remainingOf({ limits = {}, spent = NOTHING_SPENT }: Project): Limits {
  return Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => {
      const limit = limits[name];
      return limit === undefined ? [] : [[name, Math.max(0, limit - spent[name])]];
    }),
  );
}

/** Adds what a change of the stages cost to what a build with limits has spent. */
export function withSpent(before: Project, after: Project, at: string): Project {
  if (after.limits === undefined) return after;
  const old = before.stages_snapshot.stages;
  const spent: Spent = { ...NOTHING_SPENT, ...before.spent };
  for (const [i, stage] of after.stages_snapshot.stages.entries()) {
    const was = old[i];
    if (!was || was === stage) continue;
    // What a new attempt has counted is its own.
    const counted = was.attempt === stage.attempt ? was.metrics : {};
    spent.cost_usd = roundedCost(spent.cost_usd + (stage.metrics.cost_usd ?? 0) - (counted.cost_usd ?? 0));
    spent.tokens += tokensOf(stage.metrics) - tokensOf(counted);
    spent.attempts += stage.status === "running" && was.status !== "running" ? 1 : 0;
    spent.seconds += secondsEnded(was, stage, at);
  }
  return { ...after, spent };
}

function tokensOf({ input_tokens = 0, output_tokens = 0 }: Stage["metrics"]): number {
  return input_tokens + output_tokens;
}

function secondsEnded(before: Stage, after: Stage, at: string): number {
  if (before.status !== "running" || after.status === "running") return 0;
  return secondsBetween(before.started_at, isUnderway(after) ? at : (after.completed_at ?? at));
}
