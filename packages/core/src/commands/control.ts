import { StagefoldError } from "../errors.ts";
import type { DeletePatch, Edit, Guard, UpdatePatch } from "../patch/index.ts";
import { refusalOf } from "../project/gate.ts";
import { requireStatus, stageConflict } from "../project/require.ts";
import { reopenStage } from "../project/stage.ts";
import { checkedAnswer } from "../snapshot/answers.ts";
import { isFinished, progressOf } from "../snapshot/derive.ts";
import { findStage } from "../snapshot/find-stage.ts";
import type { Answer, Project, ProjectStatus, Stage } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { IMPORTED_VERSION, poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { graceMs } from "./claim.ts";
import { weightAfter } from "./revision.ts";

/** Who asks for a control write. */
export interface Asker {
  /** As `control.by` keeps it, such as `user:ada` or `key:ci`. */
  readonly by?: string | undefined;
  /** The only user whose projects the asker may control; left out for one who may control all. */
  readonly owner?: string | undefined;
}

/** Control writes change top-level fields alone. `op` names this one, so that a repeat recognises itself. */
export interface Control extends Asker {
  readonly op: string;
  readonly at: string;
}

/** Errors: FORBIDDEN unless the project, as it is stored or read, is one that the asker may control. */
export function requireOwner({ user_id }: { readonly user_id?: unknown }, { owner }: Asker): void {
  if (owner === undefined || user_id === owner) return;
  const whose = typeof user_id === "string" ? user_id : "no user";
  throw new StagefoldError("FORBIDDEN", `The project is ${whose}'s: a member controls their own alone.`, {});
}

const PAUSABLE = ["queued", "building"] as const satisfies readonly ProjectStatus[];
const CANCELLABLE = [
  "pending",
  "queued",
  "building",
  "waiting",
  "paused",
] as const satisfies readonly ProjectStatus[];
const RESUMABLE = ["pending", "paused"] as const satisfies readonly ProjectStatus[];
const RETRIABLE = ["completed", "failed", "cancelled"] as const satisfies readonly ProjectStatus[];

const NOT_HELD: Edit = set("lease", { claims: 0 });
const NOT_OFFERED: Edit = remove("work_queue");
const NOT_DUE: Edit = remove("work_due_at");
const NOT_ASKED: readonly Edit[] = [remove("waiting"), remove("answer")];

/** queued or building → paused. A stage that runs may end; a stage that waits for its next attempt keeps its time. */
export function pause(known: Project, control: Control): UpdatePatch {
  requireStatus(known, PAUSABLE);
  return controlPatch(
    "pause",
    known,
    control,
    [inStatus(PAUSABLE)],
    // A due time that is left tells a resume of a wait that is not over.
    [set("status", "paused"), NOT_OFFERED],
  );
}

/** Anything not yet ended → cancelled. The token rises, so the lease owner has lost its lease. */
export function cancel(known: Project, control: Control): UpdatePatch {
  requireStatus(known, CANCELLABLE);
  return controlPatch(
    "cancel",
    known,
    control,
    [inStatus(CANCELLABLE)],
    [
      set("status", "cancelled"),
      set("completed_at", control.at),
      { op: "add", path: ["lease_token"], value: 1 },
      NOT_OFFERED,
      NOT_DUE,
      NOT_HELD,
      ...NOT_ASKED,
    ],
  );
}

/** paused → queued, or → building while the lease lives; pending → queued, offered for the first time. */
export function resume(known: Project, control: Control, leaseMs: number): UpdatePatch {
  requireStatus(known, RESUMABLE);
  requireStages(known);
  if (known.status === "pending") return queue(known, control);
  const { owner, expires_at } = known.lease;
  if (owner !== undefined && expires_at !== undefined && expires_at > control.at) {
    // The due time follows from the expiry: if a heartbeat moves it meanwhile, the resume is decided again.
    const held: Guard = { path: ["lease", "expires_at"], is: "equals", value: expires_at };
    return controlPatch(
      "resume",
      known,
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
    known,
    control,
    [inStatus(["paused"]), free, ...sameRun(known)],
    [...offered(known, owner === undefined ? laterOf(known.work_due_at, control.at) : control.at), NOT_HELD],
  );
}

function queue(known: Project, control: Control): UpdatePatch {
  // Only imports are pending. One that names a pipeline is for the workers that have it, whatever its version was.
  const imported = known.pipeline !== undefined && known.pipeline_version === undefined;
  const project = imported ? { ...known, pipeline_version: IMPORTED_VERSION } : known;
  return controlPatch(
    "queue",
    known,
    control,
    [inStatus(["pending"]), ...sameRun(known)],
    [
      ...offered(project, control.at),
      ...(imported ? [set("pipeline_version", IMPORTED_VERSION)] : []),
      NOT_HELD,
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

/** An ended project → queued, a new run. The next lease owner's first write opens the stages again. */
export function retry(known: Project, intent: RetryIntent, control: Control): UpdatePatch {
  requireStatus(known, RETRIABLE);
  const from = restartStage(known, intent.from_stage);
  const kept = known.stages_snapshot.stages.map((stage, i) =>
    i < from.position ? stage : reopenStage(stage),
  );
  const project = intent.pipeline ? { ...known, pipeline_version: intent.pipeline.version } : known;
  return controlPatch(
    "retry",
    known,
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
      NOT_HELD,
      ...NOT_ASKED,
      remove("error_info"),
      remove("completed_at"),
      remove("build_summary"),
    ],
  );
}

/** What a person says at a gate. */
export interface AnswerIntent {
  readonly stage: string;
  readonly value: unknown;
}

/**
 * waiting → queued, with the answer. An answer counts as long as the gate is open, also after its time-out, until a
 * worker has applied that. Errors: STAGE_CONFLICT, which says who answered before; INVALID_INPUT, PAYLOAD_TOO_LARGE.
 */
export function answer(known: Project, intent: AnswerIntent, control: Control): UpdatePatch {
  const { stage } = findStage(known, intent.stage);
  if (known.status !== "waiting" || known.waiting.stage !== stage.stage) throw notAsked(known, stage);
  const { answer_schema, accept, since } = known.waiting;
  const value = checkedAnswer(intent.value, answer_schema);
  const refused = refusalOf(value, accept);
  const said: Answer = {
    stage: stage.stage,
    value,
    ...(control.by !== undefined && { by: control.by }),
    at: control.at,
    ...(refused !== undefined && { refused }),
  };
  return controlPatch(
    "answer",
    known,
    control,
    [
      inStatus(["waiting"]),
      // The question that was answered, not a later one: a retry asks again.
      { path: ["waiting", "stage"], is: "equals", value: stage.stage },
      { path: ["waiting", "since"], is: "equals", value: since },
      ...sameRun(known),
    ],
    [...offered(known, control.at), set("answer", said), remove("waiting")],
  );
}

function notAsked(known: Project, stage: Stage): StagefoldError {
  const { answer: said, by, at } = stage.output_data;
  const given =
    known.answer?.stage === stage.stage ? known.answer : said === undefined ? undefined : { by, at };
  if (given) {
    const who = typeof given.by === "string" ? ` by ${given.by}` : "";
    return stageConflict(stage.stage, "waiting for an answer", `answered${who} at ${String(given.at)}`);
  }
  // A worker has claimed it to apply the time-out.
  const actual = stage.status === "waiting" ? "past its time-out" : stage.status;
  return stageConflict(stage.stage, "waiting for an answer", actual);
}

/** One DeleteItem. Nothing comes back: every other write needs that the project is there. */
export function deleteProject(projectId: string, asker: Asker = {}): DeletePatch {
  return { kind: "delete", transition: "delete", project_id: projectId, guards: ownedBy(asker) };
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

function remove(field: string): Edit {
  return { op: "remove", path: [field] };
}

function inStatus(allowed: readonly ProjectStatus[]): Guard {
  return { path: ["status"], is: "one_of", values: allowed };
}

function ownedBy({ owner }: Asker): Guard[] {
  return owner === undefined ? [] : [{ path: ["user_id"], is: "equals", value: owner }];
}

function controlPatch(
  transition: UpdatePatch["transition"],
  known: Project,
  control: Control,
  guards: readonly Guard[],
  changes: readonly Edit[],
): UpdatePatch {
  const op = ["control", "op"];
  const edits: Edit[] = [
    ...changes,
    set("control", { op: control.op, at: control.at, ...(control.by !== undefined && { by: control.by }) }),
    set("updated_at", control.at),
    { op: "add", path: ["revision"], value: 1 },
  ];
  return {
    kind: "update",
    transition,
    project_id: known.project_id,
    guards: [
      ...guards,
      ...ownedBy(control),
      // The same operation never takes effect twice.
      {
        any: [
          { path: op, is: "absent" },
          { path: op, is: "differs", value: control.op },
        ],
      },
    ],
    edits: [...edits, ...growth(known, edits)],
  };
}

/** A lease owner that writes in between makes this inexact until the next write under a revision. */
function growth(known: Project, edits: readonly Edit[]): Edit[] {
  const value = weightAfter(known, edits) - known.item_bytes;
  return value === 0 ? [] : [{ op: "add", path: ["item_bytes"], value }];
}
