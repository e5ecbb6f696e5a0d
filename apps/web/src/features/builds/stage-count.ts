import type { PipelineInfo, ProjectSummary } from "../../lib/api.ts";

/** How many stages a build has, and how many of them are done; undefined where a line of the list does not tell. */
export function stageCount(
  build: ProjectSummary,
  pipelines: ReadonlyMap<string, PipelineInfo>,
): { total: number; done: number } | undefined {
  const { status, current_stage_number, build_summary, pipeline, progress_percentage } = build;
  const ended = Object.keys(build_summary?.stage_seconds ?? {}).length;
  const known = pipeline === undefined ? undefined : pipelines.get(pipeline)?.stages.length;
  if (status === "completed") {
    const total = Math.max(ended, current_stage_number ?? 0, known ?? 0);
    return total > 0 ? { total, done: total } : undefined;
  }
  const at = Math.max(0, (current_stage_number ?? 1) - 1);
  const total = known ?? totalBy(at, progress_percentage);
  return total === undefined || total <= at ? undefined : { total, done: at };
}

/** Of a program's build, whose stages no pipeline describes: as many as fit its progress, where all weigh the same. */
function totalBy(done: number, percentage: number): number | undefined {
  if (done === 0 || percentage <= 0) return undefined;
  const total = Math.round((done * 100) / percentage);
  return Math.round((done / total) * 100) === Math.round(percentage) ? total : undefined;
}
