import { allNeedsOf, isFinished } from "@stagefold/core";
import type { Project, ProjectStatus, Stage } from "../../../lib/api.ts";

export const CONTROLS = ["pause", "resume", "cancel", "retry", "delete"] as const;
export type Control = (typeof CONTROLS)[number];

/** Which states each control begins from. The API has the last word. */
const FROM: Readonly<Record<Control, readonly ProjectStatus[]>> = {
  pause: ["queued", "building"],
  resume: ["pending", "paused"],
  cancel: ["pending", "queued", "building", "waiting", "paused"],
  retry: ["failed", "cancelled"],
  delete: ["pending", "queued", "building", "waiting", "paused", "completed", "failed", "cancelled"],
};

export function isPossible(control: Control, project: Pick<Project, "status">): boolean {
  return FROM[control].includes(project.status);
}

/** Whether a build can run again from a stage: it has ended, and all that the stage needs is done. */
export function canRetryFrom(project: Project, stage: string): boolean {
  const { stages } = project.stages_snapshot;
  const at = stages.findIndex((one) => one.stage === stage);
  const ended =
    project.status === "completed" || project.status === "failed" || project.status === "cancelled";
  const needed = allNeedsOf(stages, at);
  return ended && at >= 0 && stages.every((one, i) => !needed.has(i) || isFinished(one));
}

/** A paused build whose stage still runs: it pauses when that stage ends. */
export function isPausing(project: Project): boolean {
  return (
    project.status === "paused" && project.stages_snapshot.stages.some(({ status }) => status === "running")
  );
}

/** The stage that a reader who chose none is shown: the one that failed, runs, or is next; at the end the last. */
export function stageInFocus(project: Project): Stage | undefined {
  const { stages } = project.stages_snapshot;
  return (
    stages.find((stage) => stage.status === "failed" && !isFinished(stage)) ??
    stages.find(({ status }) => status === "running" || status === "waiting") ??
    stages.find((stage) => stage.stage === project.current_stage && !isFinished(stage)) ??
    stages.findLast(({ attempt }) => attempt > 0) ??
    stages[0]
  );
}
