import { isFinished, withStage, withStages } from "../snapshot/derive.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import { endProject, projectFailed } from "./end.ts";
import { endSubStages, interruptStage, reopenStage } from "./stage.ts";

/** Deaths in a row without progress after which a build is given up. */
export const MAX_STALLS = 3;

/**
 * The project as a new holder finds it, before its first write: a retry's stages are open again, what a dead
 * holder left running is interrupted, and a build whose holders keep dying has failed.
 */
export function takeOver(project: Project, at: string): Project {
  if (project.lease.unstarted !== true) return project;
  const begun = startedLease(reopened(project));
  const { stages } = begun.stages_snapshot;
  // An older item may have nothing left to run.
  if (stages.every(isFinished)) return endProject(begun, { status: "completed" }, at);
  const position = stages.findIndex((stage) => stage.status === "running");
  const stage = stages[position];
  if (project.lease.claims > MAX_STALLS) return stalled(begun, position, at);
  return stage ? withStage(begun, position, interruptStage(stage, "failed", LOST, at)) : begun;
}

/** Given up, with its stage if its last holder came so far as to start one. */
function stalled(project: Project, position: number, at: string): Project {
  const stage = project.stages_snapshot.stages[position];
  const name = stage?.stage ?? project.current_stage ?? "";
  const message = `${MAX_STALLS} workers were lost in a row in stage ${name} without progress.`;
  const ending = projectFailed(name, "STAGE_STALLED", message);
  if (!stage) return endProject(project, ending, at);
  const { history } = interruptStage(stage, "failed", LOST, at);
  const failed = {
    ...endSubStages(stage, at),
    status: "failed" as const,
    error_message: message,
    error_code: "STAGE_STALLED" as const,
    history,
    completed_at: at,
  };
  return endProject(withStage(project, position, failed), ending, at);
}

const LOST = "The worker that ran this attempt was lost.";

function reopened(project: Project): Project {
  const { restart_from, ...rest } = project;
  const { stages } = project.stages_snapshot;
  const from = stages.findIndex((stage) => stage.stage === restart_from);
  const opened = stages.map((stage, i) =>
    (from >= 0 && i >= from) || isStuck(stage) ? reopenStage(stage) : stage,
  );
  return opened.every((stage, i) => stage === stages[i]) && restart_from === undefined
    ? project
    : withStages(rest, opened);
}

/** In a project that goes on, as an older form may have it: no event leads out of these. */
function isStuck(stage: Stage): boolean {
  return stage.status === "failed" || stage.status === "cancelled";
}

function startedLease(project: Project): Project {
  if (project.status === "building") {
    const { unstarted: _u, claim_id: _c, ...lease } = project.lease;
    return { ...project, lease };
  }
  const { unstarted: _u, claim_id: _c, ...lease } = project.lease;
  return { ...project, lease };
}
