import { fromTime, secondsBetween } from "@stagefold/core";
import { z } from "zod";
import { dateIn } from "./days.ts";
import type { BuildFacts } from "./facts.ts";
import { quantile, successRate, sumOf } from "./figures.ts";

const figuresSchema = z.object({
  total: z.number(),
  completed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  /** Not ended yet. */
  open: z.number(),
  /** Completed of those completed or failed, 0 … 1; null where there are none. */
  success_rate: z.number().nullable(),
  /** From the first start to the completion, of completed builds. */
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
});

export const buildsSchema = z.object({
  time_zone: z.string(),
  /** One for each day, the oldest first, today last. */
  days: z.array(figuresSchema.extend({ date: z.string() })),
  /** The same over all days together. */
  all: figuresSchema,
});

export type Builds = z.output<typeof buildsSchema>;
type Figures = z.output<typeof figuresSchema>;

/** Figures of builds by the day they were created on. */
export function buildsByDay(
  builds: readonly BuildFacts[],
  dates: readonly string[],
  timeZone: string,
): Builds {
  const dateOf = dateIn(timeZone);
  const byDate = new Map<string, BuildFacts[]>(dates.map((date) => [date, []]));
  for (const build of builds) byDate.get(dateOf(fromTime(build.created_at)))?.push(build);
  return {
    time_zone: timeZone,
    days: [...byDate].map(([date, some]) => ({ date, ...figuresOf(some) })),
    all: figuresOf([...byDate.values()].flat()),
  };
}

function figuresOf(builds: readonly BuildFacts[]): Figures {
  const count = (status: BuildFacts["status"]) => builds.filter((build) => build.status === status).length;
  const [completed, failed, cancelled] = [count("completed"), count("failed"), count("cancelled")];
  const sum = (field: "input_tokens" | "output_tokens" | "tool_calls") =>
    builds.reduce((total, build) => total + (build.build_summary?.[field] ?? 0), 0);
  return {
    total: builds.length,
    completed,
    failed,
    cancelled,
    open: builds.length - completed - failed - cancelled,
    success_rate: successRate(completed, failed),
    duration_seconds: durationOf(builds),
    stage_seconds: stageSecondsOf(builds),
    stage_failures: stageFailuresOf(builds),
    input_tokens: sum("input_tokens"),
    output_tokens: sum("output_tokens"),
    tool_calls: sum("tool_calls"),
  };
}

function durationOf(builds: readonly BuildFacts[]): Figures["duration_seconds"] {
  const seconds = builds.flatMap(({ status, started_at, created_at, completed_at }) =>
    status === "completed" && completed_at !== undefined
      ? [secondsBetween(started_at ?? created_at, completed_at)]
      : [],
  );
  if (seconds.length === 0) return null;
  return { median: quantile(seconds, 0.5), p95: quantile(seconds, 0.95) };
}

function stageSecondsOf(builds: readonly BuildFacts[]): Figures["stage_seconds"] {
  const byStage = new Map<string, number[]>();
  const of = (stage: string) => {
    const known = byStage.get(stage) ?? [];
    byStage.set(stage, known);
    return known;
  };
  for (const build of builds)
    for (const [stage, seconds] of Object.entries(build.build_summary?.stage_seconds ?? {}))
      of(stage).push(seconds);
  const entries = [...byStage].map(([stage, all]) => {
    return [stage, { builds: all.length, median: quantile(all, 0.5), total: sumOf(all) }] as const;
  });
  return Object.fromEntries(entries);
}

function stageFailuresOf(builds: readonly BuildFacts[]): Figures["stage_failures"] {
  const failures = new Map<string, number>();
  for (const { status, error_info } of builds)
    if (status === "failed" && error_info?.stage !== undefined)
      failures.set(error_info.stage, (failures.get(error_info.stage) ?? 0) + 1);
  return Object.fromEntries(failures);
}
