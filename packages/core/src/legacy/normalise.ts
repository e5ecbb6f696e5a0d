import { isStagefoldError, StagefoldError } from "../errors.ts";
import type { Item } from "../patch/patch.ts";
import { isUnderway, progressOf, snapshotOf, summarise } from "../snapshot/derive.ts";
import { itemBytes, previewOf, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import {
  type ErrorInfo,
  errorInfoSchema,
  PROJECT_STATUSES,
  type Project,
  type ProjectStatus,
  projectSchema,
  SCHEMA_VERSION,
  type Stage,
} from "../snapshot/schema.ts";
import { inNaturalOrder } from "../snapshot/storable.ts";
import { fromTime } from "../snapshot/time.ts";
import { IMPORTED_VERSION } from "../snapshot/work-queue.ts";
import { isRecord, numberOf, readable, readLegacyStage, textOf, textsOf, timeOf, without } from "./stage.ts";

/** Whether an item is stored in the current version; any other is replaced as a whole by its first write. */
export function isCurrentVersion(item: Item): boolean {
  return (
    item.schema_version === SCHEMA_VERSION &&
    isRecord(item.stages_snapshot) &&
    Array.isArray(item.stages_snapshot.stages)
  );
}

/**
 * An item as it is read, whatever format it was stored in.
 * Errors: SNAPSHOT_UNREADABLE when it cannot be; the item is to be left alone then.
 */
export function normalise(item: Item): Project {
  if (typeof item.schema_version === "number" && item.schema_version > SCHEMA_VERSION)
    throw unreadable(
      item,
      `its schema_version is ${item.schema_version}, this program knows ${SCHEMA_VERSION}`,
    );
  const parsed = projectSchema.safeParse(isCurrentVersion(item) ? item : fromLegacy(item));
  if (parsed.success) return asRead(parsed.data);
  const [issue] = parsed.error.issues;
  throw unreadable(item, `${issue?.path.join(".") || "the item"}: ${issue?.message ?? "not understood"}`);
}

/** The same, and undefined for an item that cannot be read. */
export function normaliseReadable(item: Item): Project | undefined {
  try {
    return normalise(item);
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}

function asRead(project: Project): Project {
  return withCancelledStage(withUnstartedLease(withOrderedOutputs(project)));
}

/** The fields of outputs in the order that they were completed with, whichever one the store gave them back in. */
function withOrderedOutputs(project: Project): Project {
  const { stages } = project.stages_snapshot;
  const ordered = stages.map((stage): Stage => {
    const { artifacts, artifact_info, artifact_count, ...own } = stage.output_data;
    const output = inNaturalOrder(own);
    return output === own
      ? stage
      : {
          ...stage,
          output_data: {
            artifacts,
            artifact_info,
            ...(artifact_count !== undefined && { artifact_count }),
            ...output,
          },
        };
  });
  if (ordered.every((stage, i) => stage === stages[i])) return project;
  return { ...project, stages_snapshot: { ...project.stages_snapshot, stages: ordered } };
}

/** Version 0.2 called a lease without a first write `fresh`. */
function withUnstartedLease(project: Project): Project {
  if (project.lease.fresh !== true) return project;
  const { fresh: _f, ...lease } = project.lease;
  return projectSchema.parse({ ...project, lease: { ...lease, unstarted: true } });
}

/** A stage that still ran or waited when its project was cancelled reads as cancelled, until a retry's first write opens it. */
function withCancelledStage(project: Project): Project {
  if (project.status !== "cancelled" && project.restart_from === undefined) return project;
  if (!project.stages_snapshot.stages.some(isUnderway)) return project;
  const stages = project.stages_snapshot.stages.map(
    (stage): Stage => (isUnderway(stage) ? { ...stage, status: "cancelled" } : stage),
  );
  return { ...project, stages_snapshot: { ...project.stages_snapshot, stages } };
}

function unreadable(item: Item, why: string): StagefoldError<"SNAPSHOT_UNREADABLE"> {
  const project_id = textOf(item.project_id) ?? "without an id";
  return new StagefoldError("SNAPSHOT_UNREADABLE", `The snapshot of ${project_id} cannot be read: ${why}.`, {
    project_id,
  });
}

function fromLegacy(item: Item): unknown {
  const stages = stagesOf(item);
  const snapshot = isRecord(item.stages_snapshot) ? without(item.stages_snapshot, ["stages"]) : {};
  const created_at = timeOf(item.created_at) ?? timeOf(item.updated_at) ?? "1970-01-01T00:00:00.000Z";
  const status = projectStatusOf(item.status);
  const started_at = timeOf(item.started_at) ?? stages.find((stage) => stage.started_at)?.started_at;
  const completed_at = timeOf(item.completed_at);
  const agent_id = textOf(item.agent_id) ?? textsOf(item.agents)[0];
  const open =
    stages.find((stage) => stage.status !== "completed" && stage.status !== "skipped") ?? stages.at(-1);
  const project = {
    ...without(readable(item, projectSchema.options[0].shape), RETYPED),
    schema_version: SCHEMA_VERSION,
    project_name: textOf(item.project_name) ?? textOf(item.project_id) ?? "",
    requirement: textOf(item.requirement) ?? "",
    requirement_preview: previewOf(textOf(item.requirement) ?? ""),
    ...(textOf(item.user_id) !== undefined && { user_id: item.user_id }),
    ...(textOf(item.user_name) !== undefined && { user_name: item.user_name }),
    ...(textOf(item.pipeline) !== undefined && {
      pipeline: item.pipeline,
      pipeline_version: textOf(item.pipeline_version) ?? IMPORTED_VERSION,
    }),
    ...(isRecord(item.input) && { input: item.input }),
    tags: textsOf(item.tags),
    priority: priorityOf(item.priority),
    ...(agent_id !== undefined && { agent_id }),
    status,
    run: Math.max(1, countOf(item.run)),
    ...(open && { current_stage: open.stage, current_stage_number: open.stage_number }),
    progress_percentage: stages.length > 0 ? progressOf(stages) : status === "completed" ? 100 : 0,
    ...(status === "failed" && { error_info: errorInfoOf(item, stages) }),
    // What an ended build's figures are read from, wherever they are summed up over many.
    ...((status === "completed" || status === "failed") && { build_summary: summarise(stages) }),
    created_at,
    updated_at: timeOf(item.updated_at) ?? created_at,
    ...(started_at !== undefined && { started_at }),
    ...(completed_at !== undefined && { completed_at }),
    // An item that had the current version before keeps these: they never fall.
    revision: Math.max(1, countOf(item.revision)),
    item_bytes: 0,
    stages_snapshot: snapshotOf(stages, snapshot),
    lease_token: Math.max(0, Math.floor(fromTime(created_at) / 1000), countOf(item.lease_token)),
    lease_seq: countOf(item.lease_seq),
    lease: { claims: 0 },
  };
  return { ...project, item_bytes: withOwnCount(itemBytes(project) - valueBytes(0)) };
}

/** Fields of the current version whose old value, if any, is converted or makes no sense any more, whatever it is. */
const RETYPED = [
  "agent_id",
  "user_id",
  "user_name",
  "pipeline",
  "pipeline_version",
  "started_at",
  "completed_at",
  "error_info",
  "control",
  "input",
  "input_ref",
  "input_run",
  "start_at",
  "limits",
  "spent",
  "waiting",
  "answer",
  "restart_from",
  "work_queue",
  "work_due_at",
  "build_summary",
  "request_hash",
  "current_stage",
  "current_stage_number",
];

function stagesOf(item: Item): Stage[] {
  let snapshot: unknown = item.stages_snapshot ?? {};
  // Some writers stored JSON text, and some stored that text as JSON once more.
  for (let depth = 0; depth < 3 && typeof snapshot === "string"; depth++)
    snapshot = parseText(item, snapshot);
  const stages = Array.isArray(snapshot)
    ? snapshot
    : isRecord(snapshot)
      ? (snapshot.stages ?? [])
      : undefined;
  if (!Array.isArray(stages)) throw unreadable(item, `expected a map with stages, found ${typeof snapshot}`);
  const read = stages.map((raw: unknown, index) => readLegacyStage(raw, index));
  const bad = read.indexOf(undefined);
  if (bad >= 0) throw unreadable(item, `stages[${bad}]: expected a map, found ${typeof stages[bad]}`);
  return withUniqueKeys(read.filter((stage) => stage !== undefined));
}

/** The first of a key keeps it. */
function withUniqueKeys(stages: readonly Stage[]): Stage[] {
  const keys = new Set<string>();
  return stages.map((stage) => {
    let key = stage.stage;
    for (let n = stage.stage_number; keys.has(key); n++) key = `stage_${n}`;
    keys.add(key);
    return key === stage.stage ? stage : { ...stage, stage: key };
  });
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function parseText(item: Item, text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(
      item,
      `it is text that is not JSON (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

/** An old `building` has no lease owner, an old `waiting` no gate, and an unknown state is not run either. */
export function projectStatusOf(value: unknown): ProjectStatus {
  const known = PROJECT_STATUSES.find((status) => status === value);
  return known === undefined || known === "building" || known === "queued" || known === "waiting"
    ? "pending"
    : known;
}

function priorityOf(value: unknown): number {
  const priority = numberOf(value);
  return priority !== undefined && Number.isInteger(priority) && priority >= 1 && priority <= 5
    ? priority
    : 3;
}

function errorInfoOf(item: Item, stages: readonly Stage[]): ErrorInfo {
  const failed = stages.find((stage) => stage.status === "failed");
  const stored = isRecord(item.error_info) ? item.error_info : {};
  const message =
    textOf(stored.message) ??
    textOf(stored.error) ??
    textOf(item.error_info) ??
    failed?.error_message ??
    "no error was recorded";
  return {
    ...readable(stored, errorInfoSchema.shape),
    ...(failed && { stage: failed.stage }),
    code: "STAGE_FAILED",
    message,
  };
}
