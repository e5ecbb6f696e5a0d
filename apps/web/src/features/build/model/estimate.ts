import type { Project, ProjectSummary, Stage } from "../../../lib/api.ts";

/** What is left of a build, as far as earlier ones tell. */
export interface Estimate {
  /** Seconds until the build ends, 0 when it takes longer than usual. */
  readonly seconds: number;
  /** The running stage has taken longer than in earlier builds. */
  readonly overdue: boolean;
  /** Earlier builds it is worked out from. */
  readonly builds: number;
}

/** From this progress on, per cent, what a stage says of itself counts as much as earlier builds do. */
const TELLING_PROGRESS = 20;

/**
 * Time left of a build that runs, by the median seconds of each stage in earlier completed builds of the same
 * pipeline (newest first). Undefined when it does not run, or when a stage that is left never ran in any of them.
 */
export function timeLeft(
  project: Project,
  earlier: readonly ProjectSummary[],
  nowMs: number,
): Estimate | undefined {
  if (project.status !== "building") return undefined;
  const known = comparable(project, earlier);
  let seconds = 0;
  let overdue = false;
  for (const stage of project.stages_snapshot.stages) {
    if (stage.status === "completed" || stage.status === "skipped") continue;
    const usual = usualSeconds(stage.stage, known);
    if (usual === undefined) return undefined;
    const left = secondsLeft(stage, usual, nowMs);
    if (left < 0) overdue = true;
    seconds += Math.max(0, left);
  }
  return { seconds, overdue, builds: known.length };
}

/** The median seconds of each stage in earlier completed builds of the same pipeline; undefined where it never ran. */
export function usualStageSeconds(
  project: Project,
  earlier: readonly ProjectSummary[],
): (stage: string) => number | undefined {
  const known = comparable(project, earlier);
  return (stage) => usualSeconds(stage, known);
}

function comparable(project: Project, earlier: readonly ProjectSummary[]): ProjectSummary[] {
  return earlier
    .filter((build) => build.pipeline === project.pipeline && build.project_id !== project.project_id)
    .filter((build) => build.status === "completed" && build.build_summary !== undefined);
}

/** Negative when the stage takes longer than usual. */
function secondsLeft(stage: Stage, usual: number, nowMs: number): number {
  if (stage.status !== "running") return usual;
  const elapsed = Math.max(0, (nowMs - Date.parse(stage.started_at)) / 1000);
  const byTime = usual - elapsed;
  if (stage.progress < TELLING_PROGRESS) return byTime;
  const byProgress = (elapsed * (100 - stage.progress)) / stage.progress;
  return byTime < 0 ? byProgress || byTime : (byTime + byProgress) / 2;
}

function usualSeconds(stage: string, builds: readonly ProjectSummary[]): number | undefined {
  const seconds = builds.flatMap((build) => build.build_summary?.stage_seconds[stage] ?? []);
  if (seconds.length === 0) return undefined;
  const sorted = seconds.sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
