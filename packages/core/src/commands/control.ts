import { StagefoldError } from "../errors.ts";
import { type DeletePatch, type Edit, editBytes, type Guard, type UpdatePatch } from "../patch/index.ts";
import { requireStatus, stageConflict } from "../project/require.ts";
import { reopenStage } from "../project/stage.ts";
import { isFinished, progressOf } from "../snapshot/derive.ts";
import { findStage } from "../snapshot/find-stage.ts";
import type { Project, ProjectStatus, Stage } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { graceMs } from "./claim.ts";

/** Control writes change top-level fields alone. `op` names this one, so that a repeat recognises itself. */
export interface Control {
  readonly op: string;
  readonly at: string;
}

const PAUSABLE = ["queued", "building"] as const satisfies readonly ProjectStatus[];
const CANCELLABLE = ["pending", "queued", "building", "paused"] as const satisfies readonly ProjectStatus[];
const RESUMABLE = ["pending", "paused"] as const satisfies readonly ProjectStatus[];
const RETRIABLE = ["completed", "failed", "cancelled"] as const satisfies readonly ProjectStatus[];

const NOT_OFFERED: readonly Edit[] = [
  { op: "remove", path: ["work_queue"] },
  { op: "remove", path: ["work_due_at"] },
];
const NOT_HELD: readonly Edit[] = [{ op: "set", path: ["lease"], value: { claims: 0 } }];

export function requirePausable(project: Project): void {
  requireStatus(project, PAUSABLE);
}

export function requireActive(project: Project): void {
  requireStatus(project, CANCELLABLE);
}

/** queued or building → paused. A stage that runs may end. Needs to know nothing of the project. */
export function pause(projectId: string, control: Control): UpdatePatch {
  return controlPatch(
    "pause",
    projectId,
    control,
    [inStatus(PAUSABLE)],
    // A due time that is left tells a resume of a wait that is not over.
    [set("status", "paused"), { op: "remove", path: ["work_queue"] }],
  );
}

/** Anything not yet ended → cancelled. The token rises: whoever holds the project holds it no more. */
export function cancel(projectId: string, control: Control): UpdatePatch {
  return controlPatch(
    "cancel",
    projectId,
    control,
    [inStatus(CANCELLABLE)],
    [
      set("status", "cancelled"),
      set("completed_at", control.at),
      { op: "add", path: ["lease_token"], value: 1 },
      ...NOT_OFFERED,
      ...NOT_HELD,
    ],
  );
}

/** pending → queued: offered to workers for the first time. */
export function queue(known: Project, control: Control): UpdatePatch {
  requireStatus(known, ["pending"]);
  requireStages(known);
  return controlPatch(
    "queue",
    known.project_id,
    control,
    [inStatus(["pending"]), ...sameRun(known)],
    [...offered(known, control.at), ...NOT_HELD],
  );
}

/** paused → queued, or → building while the lease lives; pending → queued. */
export function resume(known: Project, control: Control, leaseMs: number): UpdatePatch {
  requireStatus(known, RESUMABLE);
  if (known.status === "pending") return queue(known, control);
  requireStages(known);
  const { owner, expires_at } = known.lease;
  if (owner !== undefined && expires_at !== undefined && expires_at > control.at) {
    // Its due time follows from the expiry: one that a heartbeat has moved meanwhile is decided on anew.
    const held: Guard = { path: ["lease", "expires_at"], is: "equals", value: expires_at };
    return controlPatch(
      "resume",
      known.project_id,
      control,
      [inStatus(["paused"]), held, ...sameRun(known)],
      [
        set("status", "building"),
        set("work_queue", queueFor(known)),
        set("work_due_at", addMs(expires_at, graceMs(leaseMs))),
      ],
    );
  }
  const free: Guard = {
    any: [
      { path: ["lease", "owner"], is: "absent" },
      { path: ["lease", "expires_at"], is: "at_most", value: control.at },
    ],
  };
  return controlPatch(
    "resume",
    known.project_id,
    control,
    [inStatus(["paused"]), free, ...sameRun(known)],
    [
      ...offered(known, owner === undefined ? laterOf(known.work_due_at, control.at) : control.at),
      ...NOT_HELD,
    ],
  );
}

function laterOf(time: string | undefined, at: string): string {
  return time !== undefined && time > at ? time : at;
}

/** What a retry may change besides where it starts. */
export interface RetryIntent {
  readonly from_stage?: string | undefined;
  readonly pipeline?: { readonly name: string; readonly version: string } | undefined;
}

/** An ended project → queued, a new run. The next holder's first write opens the stages again. */
export function retry(known: Project, intent: RetryIntent, control: Control): UpdatePatch {
  requireStatus(known, RETRIABLE);
  const from = restartStage(known, intent.from_stage);
  const kept = known.stages_snapshot.stages.map((stage, i) =>
    i < from.position ? stage : reopenStage(stage),
  );
  const project = intent.pipeline ? { ...known, pipeline_version: intent.pipeline.version } : known;
  return controlPatch(
    "retry",
    known.project_id,
    control,
    [inStatus([known.status]), ...sameRun(known)],
    [
      ...offered(project, control.at),
      ...(intent.pipeline
        ? [set("pipeline", intent.pipeline.name), set("pipeline_version", intent.pipeline.version)]
        : []),
      set("run", known.run + 1),
      set("restart_from", from.stage.stage),
      set("current_stage", from.stage.stage),
      set("current_stage_number", from.stage.stage_number),
      set("progress_percentage", progressOf(kept)),
      { op: "add", path: ["lease_token"], value: 1 },
      ...NOT_HELD,
      { op: "remove", path: ["error_info"] },
      { op: "remove", path: ["completed_at"] },
      { op: "remove", path: ["build_summary"] },
    ],
  );
}

/** One DeleteItem. Nothing comes back: every other write needs that the project is there. */
export function remove(projectId: string): DeletePatch {
  return { kind: "delete", transition: "delete", project_id: projectId, guards: [] };
}

function restartStage(known: Project, named: string | undefined): { stage: Stage; position: number } {
  const { stages } = known.stages_snapshot;
  if (named === undefined) {
    const open = stages.find((stage) => !isFinished(stage) || stage.stage === known.restart_from);
    if (open) return findStage(known, open.stage);
    throw new StagefoldError("INVALID_INPUT", "All stages are finished: name the stage to start from.", {
      issues: ["from_stage: expected the key of a stage"],
    });
  }
  const from = findStage(known, named);
  const open = stages.slice(0, from.position).find((stage) => !isFinished(stage));
  if (open) throw stageConflict(open.stage, `finished before ${from.stage.stage} can start`, open.status);
  return from;
}

/** Of a project and a run of it the pipeline, the priority and, once ended, the stages are known for good. */
function sameRun(known: Project): Guard[] {
  return [
    { path: ["created_at"], is: "equals", value: known.created_at },
    { path: ["run"], is: "equals", value: known.run },
  ];
}

function requireStages(project: Project): void {
  if (project.stages_snapshot.stages.length === 0)
    throw new StagefoldError("INVALID_INPUT", "The project has no stages: there is nothing to run.", {
      issues: ["project_id: expected a project with stages"],
    });
}

function offered(project: Project, at: string): Edit[] {
  return [set("status", "queued"), set("work_queue", queueFor(project)), set("work_due_at", at)];
}

function queueFor(project: Project): string {
  return workQueueOf(poolOf(project), project.priority, project.project_id);
}

function set(field: string, value: unknown): Edit {
  return { op: "set", path: [field], value };
}

function inStatus(allowed: readonly ProjectStatus[]): Guard {
  return { path: ["status"], is: "one_of", values: allowed };
}

function controlPatch(
  transition: UpdatePatch["transition"],
  projectId: string,
  control: Control,
  guards: readonly Guard[],
  changes: readonly Edit[],
): UpdatePatch {
  const op = ["control", "op"];
  const edits: Edit[] = [
    ...changes,
    set("control", { op: control.op, at: control.at }),
    ...touch(control.at),
  ];
  return {
    kind: "update",
    transition,
    project_id: projectId,
    // The same operation never takes effect twice.
    guards: [
      ...guards,
      {
        any: [
          { path: op, is: "absent" },
          { path: op, is: "differs", value: control.op },
        ],
      },
    ],
    // Without knowing the item this is the most that it can grow; the next holder corrects it.
    edits: [...edits, { op: "add", path: ["item_bytes"], value: editBytes(edits, () => undefined) }],
  };
}

function touch(at: string): Edit[] {
  return [set("updated_at", at), { op: "add", path: ["revision"], value: 1 }];
}
