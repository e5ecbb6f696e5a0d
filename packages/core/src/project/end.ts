import type { FailureCode } from "../errors.ts";
import { summarise, withStage } from "../snapshot/derive.ts";
import type { ErrorInfo, Project } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { errorText, interruptStage } from "./stage.ts";

export type Ending =
  | { readonly status: "completed" }
  | { readonly status: "failed"; readonly error_info: ErrorInfo };

export function projectFailed(stage: string, code: FailureCode, message: string): Ending {
  return { status: "failed", error_info: { stage, code, message: errorText(message) } };
}

/** The build is over: nobody holds it, nothing is due, and its figures are summed up once. */
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
export function requeue(project: Project, dueAt: string): Project {
  const { lease: _l, ...rest } = project;
  return {
    ...rest,
    status: "queued",
    lease: { claims: 0 },
    work_queue: workQueueOf(poolOf(project), project.priority, project.project_id),
    work_due_at: dueAt,
  };
}

/** The lease is given up; a paused project stays paused, any other waits for its next holder. */
export function giveUpLease(project: Project, at: string, delayMs = 0): Project {
  if (project.status === "paused") return { ...project, lease: { claims: 0 } };
  return requeue(project, addMs(at, delayMs));
}

/** The project after its holder gave it back: a stage that runs waits for its next attempt. */
export function released(project: Project, at: string): Project {
  if (project.lease.owner === undefined) return project;
  const { stages } = project.stages_snapshot;
  const position = stages.findIndex((stage) => stage.status === "running");
  const stage = stages[position];
  const rest = stage
    ? withStage(
        project,
        position,
        interruptStage(stage, "cancelled", "The worker gave this attempt back.", at),
      )
    : project;
  return giveUpLease(rest, at);
}
