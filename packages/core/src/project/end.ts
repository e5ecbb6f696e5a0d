import type { FailureCode } from "../errors.ts";
import { summarise, withStage } from "../snapshot/derive.ts";
import type { ErrorInfo, Project } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { withSpent } from "./budget.ts";
import { endSubStages, errorText, interruptStage, type ProcessEnd, processEndOf } from "./stage.ts";

type FreeLease = { claims: 0; not_run_by?: string[] };

const NOT_HELD: FreeLease = { claims: 0 };

export type Ending =
  | { readonly status: "completed" }
  | { readonly status: "failed"; readonly error_info: ErrorInfo };

export function projectFailed(
  stage: string,
  code: FailureCode,
  message: string,
  end: ProcessEnd = {},
): Ending {
  return { status: "failed", error_info: { stage, code, message: errorText(message), ...processEndOf(end) } };
}

/** The build is over: it has no lease owner, nothing is due, and its figures are summed up once. */
export function endProject(project: Project, ending: Ending, at: string): Project {
  const { work_queue: _q, work_due_at: _d, error_info: _e, lease: _l, ...rest } = project;
  return {
    ...rest,
    ...ending,
    lease: { claims: 0 },
    completed_at: at,
    build_summary: summarise(project.stages_snapshot.stages),
  };
}

/** Back to the queue, free to be claimed from `dueAt` on. */
export function requeue(project: Project, dueAt: string, lease: FreeLease = NOT_HELD): Project {
  const { lease: _l, ...rest } = project;
  return {
    ...rest,
    status: "queued",
    lease,
    work_queue: workQueueOf(poolOf(project), project.priority, project.project_id),
    work_due_at: dueAt,
  };
}

/** The lease is given up; a paused project stays paused, any other waits for its next lease owner. */
export function giveUpLease(project: Project, at: string, delayMs = 0, lease = NOT_HELD): Project {
  const dueAt = addMs(at, delayMs);
  // A paused project is not offered. It keeps a wait that is not over, for when it is resumed.
  if (project.status === "paused") return { ...project, lease, work_due_at: dueAt };
  return requeue(project, dueAt, lease);
}

/** Why a worker could not run a stage: nothing of the stage's own code ran. */
export interface NotRun {
  /** What the build fails with when no worker can run it. */
  readonly code: Extract<FailureCode, "WORKER_LOST" | "PIPELINE_CHANGED">;
  readonly reason: string;
}

/** Different workers in a row that could not run a build, after which it fails. */
export const MAX_NOT_RUN = 3;

/**
 * The project after its lease owner gave it back: a stage that runs waits for its next attempt. After several workers
 * that could not run it, it fails.
 */
export function released(project: Project, at: string, notRun?: NotRun): Project {
  return withSpent(project, givenBack(project, at, notRun), at);
}

function givenBack(project: Project, at: string, notRun: NotRun | undefined): Project {
  const { owner } = project.lease;
  if (owner === undefined) return project;
  const position = project.stages_snapshot.stages.findIndex((stage) => stage.status === "running");
  if (!notRun) {
    const stage = project.stages_snapshot.stages[position];
    const reason = "The worker gave this attempt back.";
    const rest = stage
      ? withStage(project, position, interruptStage(stage, "cancelled", reason, at))
      : project;
    return giveUpLease(rest, at);
  }
  const not_run_by = [...new Set([...(project.lease.not_run_by ?? []), owner])];
  const reason = `${owner} could not run this stage: ${notRun.reason}`;
  if (not_run_by.length >= MAX_NOT_RUN) {
    const message = `${not_run_by.length} workers could not run this build. The last one, ${owner}: ${notRun.reason}`;
    return giveUp(project, position, { code: notRun.code, message, lastAttempt: reason }, at);
  }
  const stage = project.stages_snapshot.stages[position];
  const rest = stage ? withStage(project, position, interruptStage(stage, "failed", reason, at)) : project;
  return giveUpLease(rest, at, 0, { ...NOT_HELD, not_run_by });
}

/** Ends a build that workers cannot finish, with its stage if the last one came so far as to start it. */
export function giveUp(
  project: Project,
  position: number,
  failure: { readonly code: FailureCode; readonly message: string; readonly lastAttempt: string },
  at: string,
): Project {
  const stage = project.stages_snapshot.stages[position];
  const ending = projectFailed(stage?.stage ?? project.current_stage ?? "", failure.code, failure.message);
  if (!stage) return endProject(project, ending, at);
  const { history } = interruptStage(stage, "failed", failure.lastAttempt, at);
  const failed = {
    ...endSubStages(stage, at),
    status: "failed" as const,
    error_message: errorText(failure.message),
    error_code: failure.code,
    history,
    completed_at: at,
  };
  return endProject(withStage(project, position, failed), ending, at);
}
