import type { DueWork } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";
import type { Running } from "./running.ts";

export interface Limits {
  readonly pipelines: PipelineRegistry;
  /** Builds of one user that may run at once, over all workers. */
  readonly maxRunningPerUser: number | undefined;
}

/** Rows this near the front are as good as each other. */
const NEAR_EQUAL = 8;

/** Whether this worker has the row's pipeline. */
export function hasPipeline(row: DueWork, pipelines: PipelineRegistry): boolean {
  return row.pipeline !== undefined && pipelines.get(row.pipeline) !== undefined;
}

/** Whether a limit says how many builds like this one may run at once. */
export function isLimited(row: DueWork, { pipelines, maxRunningPerUser }: Limits): boolean {
  if (maxRunningPerUser !== undefined && row.user_id !== undefined) return true;
  return row.pipeline !== undefined && pipelines.get(row.pipeline)?.max_running !== undefined;
}

/** Whether the limits allow one more build like this one. */
export function withinLimits(row: DueWork, limits: Limits, running: Running): boolean {
  const { pipelines, maxRunningPerUser } = limits;
  const ofPipeline = row.pipeline === undefined ? undefined : pipelines.get(row.pipeline)?.max_running;
  if (ofPipeline !== undefined && running.ofPipeline(row.pipeline) >= ofPipeline) return false;
  if (maxRunningPerUser === undefined || row.user_id === undefined) return true;
  return running.ofUser(row.user_id) < maxRunningPerUser;
}

/**
 * The same rows, those at the front shuffled: workers that look at the same time see the same rows, and are not all to
 * go for the same one.
 */
export function frontShuffled(rows: readonly DueWork[], random = Math.random): DueWork[] {
  const front = rows
    .slice(0, NEAR_EQUAL)
    .map((row) => ({ row, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
  return [...front, ...rows.slice(NEAR_EQUAL)];
}
