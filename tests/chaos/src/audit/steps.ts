import { isDeepStrictEqual } from "node:util";
import {
  type Item,
  isFinished,
  LIMITS,
  normalise,
  type Project,
  type ProjectStatus,
  type Stage,
} from "@stagefold/core";
import type { Finding, FindingKind } from "./finding.ts";

/** A state that an acknowledged write left. */
export interface Step {
  readonly item: Item;
  /** The number that its lease owner gave it; none for writes that need no lease. */
  readonly seq: number | undefined;
}

/** Where a status may lead, in one write. */
const ALLOWED: Record<ProjectStatus, readonly ProjectStatus[]> = {
  pending: ["pending", "queued", "cancelled"],
  queued: ["queued", "building", "paused", "cancelled"],
  building: ["building", "completed", "failed", "queued", "waiting", "paused", "cancelled"],
  waiting: ["waiting", "queued", "building", "cancelled"],
  paused: ["paused", "queued", "building", "completed", "failed", "cancelled"],
  completed: ["completed", "queued"],
  failed: ["failed", "queued"],
  cancelled: ["cancelled", "queued"],
};

/** What follows from one state to the next, in the order of their revisions. */
export function checkSteps(where: string, steps: readonly Step[]): Finding[] {
  const findings: Finding[] = [];
  const add = (what: FindingKind, detail: string) => findings.push({ what, where, detail });
  let before: Project | undefined;
  for (const { item, seq } of steps) {
    const project = normalise(item);
    checkAlone(project, add);
    if (before) {
      checkNumbers(before, project, seq, add);
      checkStatus(before, project, add);
      checkStages(before, project, add);
    }
    before = project;
  }
  return findings;
}

type Add = (what: FindingKind, detail: string) => void;

function checkAlone(project: Project, add: Add): void {
  const { stages, completed, total } = project.stages_snapshot;
  const at = `revision ${project.revision}`;
  if (completed !== stages.filter(isFinished).length || total !== stages.length)
    add("inconsistent", `${at}: counts ${completed} of ${total}`);
  if (project.status === "failed" && project.error_info.code !== "STAGE_STALLED")
    add("failed", `${at}: ${project.error_info.code}: ${project.error_info.message}`);
  const ended = ["completed", "failed", "cancelled"].includes(project.status);
  if (ended && (project.lease.owner !== undefined || project.work_queue !== undefined))
    add("inconsistent", `${at}: ended, and still held or offered`);
  if (project.status === "completed" && !stages.every(isFinished))
    add("inconsistent", `${at}: completed with open stages`);
  for (const stage of stages) checkAttempts(stage, at, add);
  checkOrder(stages, at, add);
}

/** What has begun had all that it needs, and stages that need the same begin together. */
function checkOrder(stages: readonly Stage[], at: string, add: Add): void {
  const needed = stages.map(({ needs }, i) =>
    stages.filter((other, j) => needs?.includes(other.stage) ?? j < i),
  );
  for (const [i, { stage, attempt }] of stages.entries()) {
    if (attempt === 0) continue;
    const open = needed[i]?.find((other) => !isFinished(other));
    if (open) add("out of order", `${at}: ${stage} began, and needs ${open.stage}, which is ${open.status}`);
    const late = stages.find((other, j) => other.attempt === 0 && isDeepStrictEqual(needed[i], needed[j]));
    if (late) add("out of order", `${at}: ${stage} began without ${late.stage}, which needs the same`);
  }
}

/** An attempt has one outcome. */
function checkAttempts(stage: Stage, at: string, add: Add): void {
  const attempts = stage.history.map(({ attempt }) => attempt);
  if (isFinished(stage)) attempts.push(stage.attempt);
  if (new Set(attempts).size !== attempts.length)
    add("outcome doubled", `${at}: ${stage.stage} has outcomes of attempts ${attempts.join(", ")}`);
}

function checkNumbers(before: Project, after: Project, seq: number | undefined, add: Add): void {
  const at = `revision ${after.revision}`;
  if (after.lease_token < before.lease_token)
    add("token fell", `${at}: from ${before.lease_token} to ${after.lease_token}`);
  if (after.lease_seq < before.lease_seq)
    add("sequence broken", `${at}: from ${before.lease_seq} to ${after.lease_seq}`);
  if (seq !== undefined && (after.lease_seq !== seq || before.lease_seq >= seq))
    add("sequence broken", `${at}: write ${seq} came after ${before.lease_seq} and left ${after.lease_seq}`);
  if (after.progress_percentage < before.progress_percentage && after.run === before.run)
    add("progress fell", `${at}: from ${before.progress_percentage} to ${after.progress_percentage}`);
}

function checkStatus(before: Project, after: Project, add: Add): void {
  // Between them may be writes that are in doubt.
  if (after.revision !== before.revision + 1 || ALLOWED[before.status].includes(after.status)) return;
  add("transition not allowed", `revision ${after.revision}: from ${before.status} to ${after.status}`);
}

/** No process here opens a finished stage again: what is recorded of it stays as it is. */
function checkStages(before: Project, after: Project, add: Add): void {
  for (const [i, stage] of before.stages_snapshot.stages.entries()) {
    const next = after.stages_snapshot.stages[i];
    const at = `revision ${after.revision}: ${stage.stage}`;
    if (isFinished(stage) && !isDeepStrictEqual(stage, next))
      add("outcome changed", `${at} was ${stage.status} in attempt ${stage.attempt}, and changed`);
    if ((next?.attempt ?? 0) < stage.attempt) add("outcome changed", `${at} lost attempt ${stage.attempt}`);
    if (next && !keepsOutcomes(stage, next))
      add("outcome changed", `${at} lost the outcomes of earlier attempts`);
  }
}

/** Once a history is full, each new outcome takes the place of the oldest. */
function keepsOutcomes(before: Stage, after: Stage): boolean {
  const kept = after.history.map(({ attempt }) => attempt);
  const gone = before.history.filter(({ attempt }) => !kept.includes(attempt));
  if (gone.length > 0 && kept.length < LIMITS.history) return false;
  return isDeepStrictEqual(gone, before.history.slice(0, gone.length));
}
