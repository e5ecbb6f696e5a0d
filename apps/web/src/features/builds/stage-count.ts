import type { PipelineInfo, ProjectSummary } from "../../lib/api.ts";

/** How many stages a build has, and how many of them are done; undefined where a line of the list does not tell. */
export function stageCount(
  build: ProjectSummary,
  pipelines: ReadonlyMap<string, PipelineInfo>,
): { total: number; done: number } | undefined {
  const { status, current_stage_number, build_summary, pipeline, progress_percentage } = build;
  const ended = Object.keys(build_summary?.stage_seconds ?? {}).length;
  const stages = pipeline === undefined ? undefined : pipelines.get(pipeline)?.stages;
  if (status === "completed") {
    const total = Math.max(ended, current_stage_number ?? 0, stages?.length ?? 0);
    return total > 0 ? { total, done: total } : undefined;
  }
  const before = Math.max(0, (current_stage_number ?? 1) - 1);
  const total = stages?.length ?? totalBy(before, progress_percentage);
  if (total === undefined || total <= before) return undefined;
  return { total, done: Math.max(before, doneBy(stages, progress_percentage)) };
}

/**
 * The stage that runs is not always the first that is not done: others run, or ran, beside it. Where all of them weigh the
 * same the progress says how many are done.
 */
function doneBy(stages: PipelineInfo["stages"] = [], percentage: number): number {
  const weight = stages[0]?.weight;
  const isEven = stages.every((stage) => stage.weight === weight) && stages.some(({ needs }) => needs);
  // A build that has not ended has a stage that is not done.
  return isEven ? Math.min(stages.length - 1, Math.round((stages.length * percentage) / 100)) : 0;
}

/** Of a program's build, whose stages no pipeline describes: as many as fit its progress, where all weigh the same. */
function totalBy(done: number, percentage: number): number | undefined {
  if (done === 0 || percentage <= 0) return undefined;
  const total = Math.round((done * 100) / percentage);
  return Math.round((done / total) * 100) === Math.round(percentage) ? total : undefined;
}
