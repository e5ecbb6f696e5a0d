import { invalidInput } from "../errors.ts";
import { withStage } from "../snapshot/derive.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { readyStages } from "../snapshot/graph.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { recordArtifacts, recordPartArtifacts } from "./artifacts.ts";
import { budgetProblem, withSpent } from "./budget.ts";
import { endedIfDone, failBuild, giveUpLease, projectFailed, waitMs } from "./end.ts";
import type { ReportEvent } from "./events.ts";
import { openGate } from "./gate.ts";
import { requireReady, requireStatus } from "./require.ts";
import {
  addMetrics,
  completeStage,
  failStage,
  logStage,
  noteStage,
  progressStage,
  retryStageLater,
  skipStage,
  startStage,
} from "./stage.ts";
import { changeSubStage } from "./sub-stage.ts";

/**
 * The project after one event of its lease owner, or a refusal. Pure; keeps no caps: `spill` does, before the write.
 * `seq` is the number of the write that will carry it.
 */
export function applyEvent(project: Project, event: ReportEvent, now: string, seq: number): Project {
  return withSpent(project, eventApplied(project, event, now, seq), now);
}

function eventApplied(project: Project, event: ReportEvent, now: string, seq: number): Project {
  requireStatus(project, ["building", "paused"]);
  const { stage, position } = findStage(project, event.stage);
  const at = event.at !== undefined && event.at < now ? event.at : now;
  if (event.sub_stage !== undefined)
    return withStage(project, position, subStageAfter(stage, event.sub_stage, event, at, seq));
  switch (event.event) {
    case "started":
      requireStatus(project, ["building"]);
      requireReady(project, position);
      return started(project, position, startStage(stage, event, at), now);
    case "progress":
      return progressed(withStage(project, position, progressStage(stage, event.progress)));
    case "log":
      return withStage(project, position, { ...logStage(stage, event.lines), log_seq: seq });
    case "artifacts":
      return withStage(project, position, recordArtifacts(stage, event.artifacts, event.mode, at));
    case "completed": {
      const made = event.artifacts ? recordArtifacts(stage, event.artifacts, "add", at) : stage;
      return afterStage(
        project,
        position,
        completeStage(addMetrics(made, event.metrics), event.output ?? {}, at),
        now,
      );
    }
    case "noted":
      return withStage(project, position, addMetrics(noteStage(stage, event), event.metrics));
    case "skipped":
      return afterStage(project, position, skipStage(stage, event.reason, at), now);
    case "failed": {
      const counted = addMetrics(stage, event.metrics);
      if (event.retry_in_seconds !== undefined)
        return retriedLater(
          project,
          position,
          retryStageLater(counted, event, at),
          now,
          event.retry_in_seconds * 1000,
        );
      const failed = failStage(counted, event, at);
      if (failed.allow_failure === true) return afterStage(project, position, failed, now);
      const ending = projectFailed(stage.stage, event.code, event.message, event);
      return failBuild(withStage(project, position, failed), ending, now);
    }
    case "waiting":
      requireStatus(project, ["building"]);
      if (stage.status === "pending") requireReady(project, position);
      return openGate(project, position, event, at);
    default:
      return event satisfies never;
  }
}

/** Beyond its budget a build fails in place of the start, which needs to be one that is possible. */
function started(project: Project, position: number, stage: Stage, now: string): Project {
  // What cleans up does so whatever the build has used.
  const problem = stage.finally === true ? undefined : budgetProblem(project);
  if (problem === undefined) return withStage(project, position, stage);
  return failBuild(project, projectFailed(stage.stage, "BUDGET_EXCEEDED", problem), now);
}

/** While other stages run the lease stays; else it is given up until a stage may begin. */
function retriedLater(
  project: Project,
  position: number,
  stage: Stage,
  now: string,
  delayMs: number,
): Project {
  const waiting = withStage(project, position, stage);
  const others = waiting.stages_snapshot.stages.some(({ status }) => status === "running");
  // `work_due_at` says it where nothing else can run meanwhile.
  if (!others && readyStages(waiting).every((ready) => ready === position))
    return giveUpLease(waiting, now, delayMs);
  const later = withStage(project, position, { ...stage, retry_at: addMs(now, delayMs) });
  return others ? later : giveUpLease(later, now, waitMs(later, now));
}

/** A stage is finished: the build has moved on, and is over with its last stage, also while paused. */
function afterStage(project: Project, position: number, stage: Stage, at: string): Project {
  const next = endedIfDone(withStage(project, position, stage), at);
  return next.status === "building" || next.status === "paused" ? progressed(next) : next;
}

/** Progress clears the counts of workers that were lost or could not run it: only those in a row give a build up. */
function progressed(project: Project): Project {
  // Two branches for the types alone: the lease of a building project has an owner.
  if (project.status === "building") {
    const { not_run_by: _n, ...lease } = project.lease;
    return { ...project, lease: { ...lease, claims: 1 } };
  }
  const { not_run_by: _n, ...lease } = project.lease;
  return { ...project, lease: { ...lease, claims: 1 } };
}

function subStageAfter(stage: Stage, key: string, event: ReportEvent, at: string, seq: number): Stage {
  switch (event.event) {
    case "log":
      return { ...logStage(stage, event.lines), log_seq: seq };
    case "artifacts":
      return recordPartArtifacts(stage, key, event.artifacts, event.mode, at);
    case "completed": {
      const made = event.artifacts ? recordPartArtifacts(stage, key, event.artifacts, "add", at) : stage;
      return addMetrics(changeSubStage(made, key, { event: "completed" }, at), event.metrics);
    }
    case "failed":
      return addMetrics(
        changeSubStage(stage, key, { event: "failed", message: event.message }, at),
        event.metrics,
      );
    case "started":
      return changeSubStage(stage, key, { event: "started" }, at);
    case "progress":
      return changeSubStage(stage, key, { event: "progress", progress: event.progress }, at);
    case "skipped":
      return changeSubStage(stage, key, { event: "skipped", reason: event.reason }, at);
    case "noted":
      return addMetrics(noteStage(stage, event), event.metrics);
    case "waiting":
      throw invalidInput("A part of a stage cannot wait for an answer.", [
        "sub_stage: expected no part in an event waiting",
      ]);
    default:
      return event satisfies never;
  }
}
