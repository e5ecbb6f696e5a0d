import type { DueWork } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";

/** What is held already, as far as limits ask. */
export interface Held {
  readonly projectId: string;
  readonly pipelineName: string | undefined;
  readonly userId: string | undefined;
}

export interface CandidateRules {
  readonly pipelines: PipelineRegistry;
  readonly held: readonly Held[];
  readonly maxRunningPerUser: number | undefined;
}

/** Rows this near the front are as good as each other. */
const NEAR_EQUAL = 8;

/**
 * The rows that this worker may claim, in the order to try them. Workers that look at the same time see the same
 * rows: those at the front are shuffled, within one priority, so that not all of them go for the same one.
 */
export function candidates(rows: readonly DueWork[], rules: CandidateRules, random = Math.random): DueWork[] {
  const held = new Set(rules.held.map((one) => one.projectId));
  const mine = rows.filter((row) => !held.has(row.project_id) && hasPipeline(row, rules.pipelines));
  const first = mine[0];
  if (!first) return [];
  const sameRank = mine.findIndex((row) => priorityOf(row) !== priorityOf(first));
  const front = Math.min(NEAR_EQUAL, sameRank < 0 ? mine.length : sameRank);
  return [...shuffled(mine.slice(0, front), random), ...mine.slice(front)];
}

/** Whether the limits of this worker let it take one more of these. */
export function withinLimits(row: DueWork, rules: CandidateRules): boolean {
  const { held, maxRunningPerUser, pipelines } = rules;
  const ofPipeline = row.pipeline === undefined ? undefined : pipelines.get(row.pipeline)?.max_running;
  if (
    ofPipeline !== undefined &&
    held.filter((one) => one.pipelineName === row.pipeline).length >= ofPipeline
  )
    return false;
  if (maxRunningPerUser === undefined || row.user_id === undefined) return true;
  return held.filter((one) => one.userId === row.user_id).length < maxRunningPerUser;
}

function hasPipeline(row: DueWork, pipelines: PipelineRegistry): boolean {
  return row.pipeline !== undefined && pipelines.get(row.pipeline) !== undefined;
}

function priorityOf(row: DueWork): string {
  return row.work_queue.split("#")[1] ?? "";
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
