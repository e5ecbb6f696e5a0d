import { fromTime } from "@stagefold/core";
import { z } from "zod";
import type { BuildRow } from "./build-row.ts";
import { dateIn } from "./days.ts";

const figuresSchema = z.object({
  total: z.number(),
  completed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  /** Not ended yet. */
  open: z.number(),
  /** Completed of those completed or failed, 0 … 1; null where there are none. */
  success_rate: z.number().nullable(),
  /** Active time of completed builds: without what they waited for a worker, or lay idle before a retry. */
  duration_seconds: z.object({ median: z.number(), p95: z.number() }).nullable(),
  /** Seconds by stage, of the builds that ended. */
  stage_seconds: z.record(
    z.string(),
    z.object({ builds: z.number(), median: z.number(), total: z.number() }),
  ),
  /** Builds that failed, by the stage in which they did. */
  stage_failures: z.record(z.string(), z.number()),
  input_tokens: z.number(),
  output_tokens: z.number(),
  tool_calls: z.number(),
  /** US dollars, as the stages count them. */
  cost_usd: z.number(),
  /** From creation to first start, of those that began. */
  queue_seconds: z.object({ median: z.number(), p95: z.number() }).nullable(),
});

export const buildsSchema = z.object({
  time_zone: z.string(),
  /** One for each day, the oldest first, today last. */
  days: z.array(figuresSchema.extend({ date: z.string() })),
  /** The same over all days together. */
  all: figuresSchema,
  /** The same over as many days before these, where it was asked for. */
  before: figuresSchema.optional(),
});

export type Builds = z.output<typeof buildsSchema>;
type Figures = z.output<typeof figuresSchema>;

/** Figures of builds by the day they were created on: of the last `shown` dates, and of those before them together. */
export function buildsByDay(
  builds: readonly BuildRow[],
  dates: readonly string[],
  timeZone: string,
  shown = dates.length,
): Builds {
  const dateOf = dateIn(timeZone);
  const byDate = new Map<string, BuildRow[]>(dates.map((date) => [date, []]));
  for (const build of builds) byDate.get(dateOf(fromTime(build.created_at)))?.push(build);
  const days = [...byDate];
  const [before, last] = [days.slice(0, -shown), days.slice(-shown)];
  const together = (some: typeof days) => figuresOf(some.flatMap(([, rows]) => rows));
  return {
    time_zone: timeZone,
    days: last.map(([date, some]) => ({ date, ...figuresOf(some) })),
    all: together(last),
    ...(before.length > 0 && { before: together(before) }),
  };
}

/** One pass over the builds, which may be many. */
function figuresOf(builds: readonly BuildRow[]): Figures {
  const count = { completed: 0, failed: 0, cancelled: 0 };
  const used = { input_tokens: 0, output_tokens: 0, tool_calls: 0, cost_usd: 0 };
  const durations: number[] = [];
  const queued: number[] = [];
  const secondsByStage = new Map<string, number[]>();
  const failures = new Map<string, number>();
  for (const { status, active_seconds, queue_seconds, error_info, build_summary } of builds) {
    if (queue_seconds !== undefined) queued.push(queue_seconds);
    if (status === "completed" || status === "failed" || status === "cancelled") count[status] += 1;
    if (status === "completed" && active_seconds !== undefined) durations.push(active_seconds);
    if (status === "failed" && error_info?.stage !== undefined)
      failures.set(error_info.stage, (failures.get(error_info.stage) ?? 0) + 1);
    if (!build_summary) continue;
    used.input_tokens += build_summary.input_tokens;
    used.output_tokens += build_summary.output_tokens;
    used.tool_calls += build_summary.tool_calls;
    used.cost_usd += build_summary.cost_usd ?? 0;
    for (const [stage, seconds] of Object.entries(build_summary.stage_seconds)) {
      const known = secondsByStage.get(stage);
      if (known) known.push(seconds);
      else secondsByStage.set(stage, [seconds]);
    }
  }
  return {
    total: builds.length,
    ...count,
    open: builds.length - count.completed - count.failed - count.cancelled,
    success_rate: successRate(count.completed, count.failed),
    duration_seconds: spread(durations),
    queue_seconds: spread(queued),
    stage_seconds: Object.fromEntries([...secondsByStage].map(([stage, all]) => [stage, stageFigures(all)])),
    stage_failures: Object.fromEntries(failures),
    ...used,
    cost_usd: rounded(used.cost_usd, 6),
  };
}

function spread(seconds: readonly number[]): { median: number; p95: number } | null {
  return seconds.length === 0 ? null : { median: quantile(seconds, 0.5), p95: quantile(seconds, 0.95) };
}

function stageFigures(seconds: readonly number[]) {
  return { builds: seconds.length, median: quantile(seconds, 0.5), total: sumOf(seconds) };
}

/** The value below which the share `q` (0 … 1) of the values lies, between neighbours in proportion. */
export function quantile(values: readonly number[], q: number): number {
  // Numbers in an array of their own kind are sorted without being compared one by one.
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return rounded(below + (above - below) * (at - Math.floor(at)), 3);
}

/** The sum of seconds, to the millisecond they are measured in. */
export function sumOf(seconds: readonly number[]): number {
  return rounded(
    seconds.reduce((sum, one) => sum + one, 0),
    3,
  );
}

/** 0 … 1, or null before anything ended. */
export function successRate(completed: number, failed: number): number | null {
  return completed + failed === 0 ? null : rounded(completed / (completed + failed), 4);
}

/** Without the digits that only adding and dividing in binary has made. */
function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
