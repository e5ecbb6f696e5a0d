import type { FailureCode } from "../errors.ts";
import { isFinished, summarise, withStage, withStages } from "../snapshot/derive.ts";
import { isFailing, isOver, readyStages } from "../snapshot/graph.ts";
import type { ErrorInfo, Project, Stage } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { withSpent } from "./budget.ts";
import {
  cancelStage,
  endSubStages,
  errorText,
  interruptStage,
  type ProcessEnd,
  processEndOf,
} from "./stage.ts";

type FreeLease = { claims: 0; not_run_by?: string[] };

const NOT_HELD: FreeLease = { claims: 0 };

export interface FailedEnding {
  readonly status: "failed";
  readonly error_info: ErrorInfo;
}
export type Ending = { readonly status: "completed" } | FailedEnding;

export function projectFailed(
  stage: string,
  code: FailureCode,
  message: string,
  end: ProcessEnd = {},
): FailedEnding {
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

/**
 * A stage has failed the build: others that run are stopped, `finally` stages run, then the build has failed with this,
 * its first failure. Without such stages it is over at once.
 */
export function failBuild(project: Project, ending: FailedEnding, at: string): Project {
  // No stage of another pipeline than the build's own can run.
  const isAtOnce = ending.error_info.code === "PIPELINE_CHANGED";
  const reason = `Stopped: the stage ${ending.error_info.stage ?? ""} has failed.`;
  const stages = project.stages_snapshot.stages.map((stage) =>
    stage.status === "running" && (isAtOnce || stage.finally !== true)
      ? cancelStage(stage, reason, at)
      : stage,
  );
  const first = isFailing(project) ? project.error_info : undefined;
  const stopped = withStages({ ...project, error_info: first ?? ending.error_info }, stages);
  const isLeft = stages.some((stage) => stage.finally === true && !isOver(stage));
  return isLeft && !isAtOnce
    ? stopped
    : endProject(stopped, { ...ending, error_info: first ?? ending.error_info }, at);
}

/** The project, ended if no stage is left to run: of a failing build the `finally` stages alone are. */
export function endedIfDone(project: Project, at: string): Project {
  const { stages } = project.stages_snapshot;
  if (stages.every(isFinished) && !isFailing(project))
    return endProject(project, { status: "completed" }, at);
  const { error_info } = project;
  if (error_info === undefined || !isFailing(project)) return project;
  const isLeft = stages.some((stage) => stage.finally === true && !isOver(stage));
  return isLeft ? project : endProject(project, { status: "failed", error_info }, at);
}

/** The project with every stage that runs interrupted. */
export function interruptRunning(project: Project, interrupted: (stage: Stage) => Stage): Project {
  const { stages } = project.stages_snapshot;
  if (!stages.some(({ status }) => status === "running")) return project;
  return withStages(
    project,
    stages.map((stage) => (stage.status === "running" ? interrupted(stage) : stage)),
  );
}

/**
 * Milliseconds until a stage may begin: 0 unless all that are ready wait for their next attempt. `isIdle`: the lease owner
 * found that of the others none may begin before that.
 */
export function waitMs(project: Project, at: string, isIdle = false): number {
  const { stages } = project.stages_snapshot;
  const tries = readyStages(project).map((position) => stages[position]?.retry_at);
  const waits = tries.flatMap((retryAt) => {
    if (retryAt === undefined) return isIdle ? [] : [0];
    return [Math.max(0, Date.parse(retryAt) - Date.parse(at))];
  });
  return waits.length === 0 ? 0 : Math.min(...waits);
}

/** Back to the queue, free to be claimed from `dueAt` on. */
function requeue(project: Project, dueAt: string, lease: FreeLease = NOT_HELD): Project {
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
  /** The stage that could not be run, where several ran; left out: all of them. */
  readonly stage?: string;
  /** No worker could have: a store is away, which ends no build, however long it lasts. */
  readonly storeIsAway?: boolean;
}

/**
 * Why a lease is given back. `idle`: what is ready waits, as a gate does for a stage that is tried again, so that the next
 * owner could begin nothing either before the next attempt is due.
 */
export type Release = true | "idle" | NotRun;

/** Different workers in a row that could not run a build, after which it fails. */
export const MAX_NOT_RUN = 3;

/**
 * The project after its lease owner gave it back: stages that run wait for their next attempt. After several workers
 * that could not run it, it fails.
 */
export function released(project: Project, at: string, release: Release = true): Project {
  return withSpent(project, givenBack(project, at, release), at);
}

function givenBack(project: Project, at: string, release: Release): Project {
  const { owner } = project.lease;
  if (owner === undefined) return project;
  const interrupted = "The worker gave this attempt back.";
  if (release === true || release === "idle") {
    const rest = interruptRunning(project, (stage) => interruptStage(stage, "cancelled", interrupted, at));
    return giveUpLease(rest, at, waitMs(rest, at, release === "idle"));
  }
  const notRun = release;
  const isAtFault = ({ stage }: Stage) => notRun.stage === undefined || notRun.stage === stage;
  const { not_run_by: before = [] } = project.lease;
  const not_run_by = notRun.storeIsAway ? before : [...new Set([...before, owner])];
  const reason = `${owner} could not run this stage: ${notRun.reason}`;
  if (not_run_by.length >= MAX_NOT_RUN) {
    const message = `${not_run_by.length} workers could not run this build. The last one, ${owner}: ${notRun.reason}`;
    const position = project.stages_snapshot.stages.findIndex(
      (stage) => stage.status === "running" && isAtFault(stage),
    );
    return giveUp(project, position, { code: notRun.code, message, lastAttempt: reason }, at);
  }
  const rest = interruptRunning(project, (stage) =>
    isAtFault(stage)
      ? interruptStage(stage, "failed", reason, at)
      : interruptStage(stage, "cancelled", interrupted, at),
  );
  return giveUpLease(rest, at, 0, not_run_by.length > 0 ? { ...NOT_HELD, not_run_by } : NOT_HELD);
}

/** Ends a build that workers cannot finish, with its stage if the last one came so far as to start it. */
export function giveUp(
  project: Project,
  position: number,
  failure: { readonly code: FailureCode; readonly message: string; readonly lastAttempt: string },
  at: string,
): Project {
  const stage = project.stages_snapshot.stages[position];
  const given = projectFailed(stage?.stage ?? project.current_stage ?? "", failure.code, failure.message);
  const first = isFailing(project) ? project.error_info : undefined;
  const ending = first ? { ...given, error_info: first } : given;
  if (!stage) return endProject(project, ending, at);
  const interrupted = interruptStage(stage, "failed", failure.lastAttempt, at);
  const failed = {
    ...endSubStages(stage, at),
    status: "failed" as const,
    error_message: errorText(failure.message),
    error_code: failure.code,
    history: interrupted.history,
    ...(interrupted.earlier_cost_usd !== undefined && { earlier_cost_usd: interrupted.earlier_cost_usd }),
    completed_at: at,
  };
  // A failure that the build may have is one that it continues after: this one it does not.
  const ended = withStage(project, position, stage.allow_failure === true ? interrupted : failed);
  const rest = interruptRunning(ended, (other) => interruptStage(other, "cancelled", failure.message, at));
  return endProject(rest, ending, at);
}
