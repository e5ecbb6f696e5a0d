import { isFinished, withStages } from "../snapshot/derive.ts";
import { isFailing, withDependants } from "../snapshot/graph.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import { endedIfDone, giveUp, interruptRunning } from "./end.ts";
import { settleGate } from "./gate.ts";
import { interruptStage, reopenStage } from "./stage.ts";

/** Claims in a row without progress (stalled claims) after which a build is given up. */
export const MAX_STALLS = 3;

/**
 * The project as a new lease owner finds it, before its first write: a retry's stages are open again, a gate is completed
 * with its answer or as its time-out says, what a dead owner left running is interrupted, and a build whose owners keep
 * dying has failed.
 */
export function takeOver(project: Project, at: string): Project {
  if (project.lease.unstarted !== true) return project;
  // An older item may have nothing left to run.
  const begun = endedIfDone(settleGate(startedLease(reopened(project)), at), at);
  if (begun.status === "failed" || begun.status === "completed") return begun;
  const { stages } = begun.stages_snapshot;
  if (project.lease.claims > MAX_STALLS) {
    const running = stages.filter(({ status }) => status === "running").map(({ stage }) => stage);
    const names = running.length > 0 ? running.join(", ") : (begun.current_stage ?? "");
    const which = running.length > 1 ? "one of the stages" : "stage";
    const message = `${MAX_STALLS} workers were lost in a row in ${which} ${names} without progress.`;
    const position = stages.findIndex(({ status }) => status === "running");
    return giveUp(begun, position, { code: "STAGE_STALLED", message, lastAttempt: LOST }, at);
  }
  return interruptRunning(begun, (stage) => interruptStage(stage, "failed", LOST, at));
}

const LOST = "The worker that ran this attempt was lost.";

function reopened(project: Project): Project {
  const { restart_from, ...rest } = project;
  const { stages } = project.stages_snapshot;
  const from = stages.findIndex((stage) => stage.stage === restart_from);
  const restarted = from >= 0 ? restartedStages(stages, from) : undefined;
  const isOpened = (stage: Stage, i: number) =>
    restarted?.has(i) === true || (isStuck(stage) && !isFailing(project));
  const opened = stages.map((stage, i) => (isOpened(stage, i) ? reopenStage(stage) : stage));
  return opened.every((stage, i) => stage === stages[i]) && restart_from === undefined
    ? project
    : withStages(rest, opened);
}

/** What runs again when a stage does: it, what is not finished, what needs one of these, and what runs after all. */
export function restartedStages(stages: readonly Stage[], from: number): Set<number> {
  const open = stages.flatMap((stage, i) => (i === from || !isFinished(stage) ? [i] : []));
  return withDependants(stages, open);
}

/** An older format may have these in a project that continues; no event leads out of them. */
function isStuck(stage: Stage): boolean {
  return !isFinished(stage) && (stage.status === "failed" || stage.status === "cancelled");
}

function startedLease(project: Project): Project {
  // Two branches for the types alone: the lease of a building project has an owner.
  if (project.status === "building") {
    const { unstarted: _u, claim_id: _c, ...lease } = project.lease;
    return { ...project, lease };
  }
  const { unstarted: _u, claim_id: _c, ...lease } = project.lease;
  return { ...project, lease };
}
