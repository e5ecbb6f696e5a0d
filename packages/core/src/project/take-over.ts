import { isFinished, withStage, withStages } from "../snapshot/derive.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import { endProject, giveUp } from "./end.ts";
import { settleGate } from "./gate.ts";
import { interruptStage, reopenStage } from "./stage.ts";

/** Claims in a row without progress (stalled claims) after which a build is given up. */
export const MAX_STALLS = 3;

/**
 * The project as a new lease owner finds it, before its first write: a retry's stages are open again, a gate is completed
 * with its answer or as its time-out says, what a dead owner left running is interrupted, and a build whose owners keep dying has failed.
 */
export function takeOver(project: Project, at: string): Project {
  if (project.lease.unstarted !== true) return project;
  const begun = settleGate(startedLease(reopened(project)), at);
  if (begun.status === "failed") return begun;
  const { stages } = begun.stages_snapshot;
  // An older item may have nothing left to run.
  if (stages.every(isFinished)) return endProject(begun, { status: "completed" }, at);
  const position = stages.findIndex((stage) => stage.status === "running");
  const stage = stages[position];
  if (project.lease.claims > MAX_STALLS) {
    const name = stage?.stage ?? begun.current_stage ?? "";
    const message = `${MAX_STALLS} workers were lost in a row in stage ${name} without progress.`;
    return giveUp(begun, position, { code: "STAGE_STALLED", message, lastAttempt: LOST }, at);
  }
  return stage ? withStage(begun, position, interruptStage(stage, "failed", LOST, at)) : begun;
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

/** An older format may have these in a project that continues; no event leads out of them. */
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
