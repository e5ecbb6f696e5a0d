// Long because: the whole item is read from top to bottom in one place.
import { z } from "zod";
import { FAILURE_CODES } from "../errors.ts";
import { projectIdSchema, stageKeySchema } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { timeSchema } from "./time.ts";
import { traceparentSchema } from "./traceparent.ts";

export const SCHEMA_VERSION = 1;

export const PROJECT_STATUSES = [
  "pending",
  "queued",
  "building",
  "waiting",
  "paused",
  "completed",
  "failed",
  "cancelled",
] as const;
export const STAGE_STATUSES = [
  "pending",
  "running",
  "waiting",
  "completed",
  "failed",
  "skipped",
  "cancelled",
] as const;
export const projectStatusSchema = z.enum(PROJECT_STATUSES);
export const stageStatusSchema = z.enum(STAGE_STATUSES);
export type ProjectStatus = (typeof PROJECT_STATUSES)[number];
export type StageStatus = (typeof STAGE_STATUSES)[number];

const count = z.number().int().min(0);
const percent = z.number().min(0).max(100);
export const prioritySchema = z.number().int().min(1).max(5);
export const failureCodeSchema = z.enum(FAILURE_CODES);

/** What is kept of an artifact besides its path. `size` in bytes. */
export const artifactInfoSchema = z.looseObject({
  size: count.optional(),
  sha256: z.string().optional(),
  media_type: z.string().optional(),
  /** The file may be run: its bit is set again where the file is restored. */
  executable: z.boolean().optional(),
  /** Permission bits in octal, such as `0600`, where they are not the usual ones. */
  mode: z.string().max(8).optional(),
  created_at: timeSchema.optional(),
  doc_path: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

/** A stage's output: its artifacts, and beside them whatever the stage itself returned. */
export const outputDataSchema = z.looseObject({
  artifacts: z.array(z.string()),
  artifact_info: z.record(z.string(), artifactInfoSchema),
  /** Set when the full list is a manifest in the artifact store: how many it has. */
  artifact_count: count.optional(),
});

/** Sums over a stage; a stage may add figures of its own. */
export const metricsSchema = z.looseObject({
  input_tokens: z.number().optional(),
  output_tokens: z.number().optional(),
  tool_calls: z.number().optional(),
  /** Of calls of a language model, as far as its prices are known. */
  cost_usd: z.number().optional(),
  model_calls: z.number().optional(),
  model: z.string().optional(),
});

export const subStageSchema = z.looseObject({
  number: z.number().int().min(1),
  status: stageStatusSchema.exclude(["waiting"]),
  started_at: timeSchema.optional(),
  completed_at: timeSchema.optional(),
  error_message: z.string().nullish(),
  progress: percent.optional(),
  artifacts: z.array(z.string()),
});

/** How the process of a failed attempt ended, where it was a process that did. */
export const processEnd = {
  exit_code: z.number().int().optional(),
  /** Such as `SIGKILL`. */
  signal: z.string().max(32).optional(),
};

export const historyEntrySchema = z.looseObject({
  attempt: count,
  status: stageStatusSchema,
  code: failureCodeSchema.optional(),
  started_at: timeSchema.optional(),
  completed_at: timeSchema.optional(),
  error_message: z.string().nullish(),
  log_seq: count.optional(),
  /** What the attempt has used of a language model. */
  metrics: metricsSchema.optional(),
  ...processEnd,
  /** The digest of the pipeline's definition that it ran. */
  definition: z.string().optional(),
});

const stageBase = z.looseObject({
  stage: stageKeySchema,
  stage_number: z.number().int().min(1),
  stage_name: z.string(),
  weight: z.number().positive(),
  /** 0 before the first. */
  attempt: count,
  progress: percent,
  agent_name: z.string().optional(),
  /** Keys of the stages that must be finished before it begins. Absent: all earlier ones. */
  needs: z.array(stageKeySchema).optional(),
  /** It runs after all others, also when the build is failing. */
  finally: z.boolean().optional(),
  /** The build continues when it has failed. */
  allow_failure: z.boolean().optional(),
  /** Not tried again before, where it waits for its next attempt while other stages run. */
  retry_at: timeSchema.optional(),
  started_at: timeSchema.optional(),
  completed_at: timeSchema.optional(),
  duration_seconds: z.number().min(0).optional(),
  output_data: outputDataSchema,
  metrics: metricsSchema,
  error_message: z.string().nullable(),
  /** Why a failed stage failed. */
  error_code: failureCodeSchema.optional(),
  ...processEnd,
  /** The digest of the pipeline's definition that the attempt runs or ran. */
  definition: z.string().optional(),
  /** What the attempt has noted so far, by name: any JSON. */
  notes: z.record(z.string(), z.unknown()).optional(),
  /** The artifact that has the attempt's summary, in Markdown. */
  summary: z.string().optional(),
  logs: z.array(z.string()).optional(),
  sub_stages: z.record(stageKeySchema, subStageSchema),
  history: z.array(historyEntrySchema),
  /** USD of the attempts before the present one that `history` does not have any more. */
  earlier_cost_usd: z.number().optional(),
  /** Attempts that failed by themselves since the stage was last opened: what a retry policy counts. Absent: none. */
  failed_attempts: count.optional(),
  /** The number of the report that brought the last log lines: the log is what the store has up to it. */
  log_seq: count.optional(),
  /** The document in the artifact store that has the full list, beside `artifact_count`. */
  artifact_manifest: z.string().optional(),
  /** The artifact that has an output too large for the item. */
  output_ref: z.string().optional(),
  /** The document in the artifact store that has the full errors of the sub-stages. */
  sub_stage_errors_ref: z.string().optional(),
  /** The document in the artifact store that has the earlier history. */
  history_ref: z.string().optional(),
});

/** What an answer must have for the build to continue, by the names of its fields. */
export const acceptSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** What happens when no answer came in time: the build fails, the gate is skipped, or this is the answer. */
export const onTimeoutSchema = z.union([
  z.enum(["fail", "skip"]),
  z.strictObject({ answer: z.unknown() }).refine(({ answer }) => answer !== undefined, "expected an answer"),
]);

/** What a build may use up; beyond it no further stage starts. */
export const limitsSchema = z.strictObject({
  cost_usd: z.number().min(0).max(1e9).optional(),
  /** Of input and output together. */
  tokens: count.max(1e15).optional(),
  /** In which stages ran. */
  seconds: z.number().min(0).max(1e9).optional(),
  /** Of all stages together. */
  attempts: count.max(1e6).optional(),
});

/** What a build with limits has used up, in all its runs. */
export const spentSchema = z.looseObject({
  cost_usd: z.number(),
  tokens: z.number(),
  seconds: z.number(),
  attempts: count,
});

/** A gate that is open: a stage that waits for a person's answer. */
export const waitingSchema = z.looseObject({
  stage: stageKeySchema,
  question: z.string(),
  /** JSON Schema that an answer must fit. */
  answer_schema: z.record(z.string(), z.unknown()).optional(),
  /** An answer that lacks one of these values fails the build with GATE_REFUSED. */
  accept: acceptSchema.optional(),
  since: timeSchema,
  /** From then on a worker may apply `on_timeout`. Absent: it waits for as long as it takes. */
  expires_at: timeSchema.optional(),
  on_timeout: onTimeoutSchema,
});

/** What a person answered, until the next lease owner's first write completes the gate with it. */
export const answerSchema = z.looseObject({
  stage: stageKeySchema,
  /** What was asked. */
  question: z.string().optional(),
  value: z.unknown(),
  by: z.string().optional(),
  at: timeSchema,
  /** Why the build fails with it: what the gate's `accept` requires and the answer lacks. */
  refused: z.string().optional(),
});

/** One stage. The status says what must be there: a running stage has begun, a failed one has an error. */
export const stageSchema = z.discriminatedUnion("status", [
  stageBase.extend({ status: z.literal("pending") }),
  stageBase.extend({ status: z.literal("running"), started_at: timeSchema }),
  stageBase.extend({ status: z.literal("waiting"), started_at: timeSchema }),
  stageBase.extend({ status: z.literal("completed") }),
  stageBase.extend({ status: z.literal("failed"), error_message: z.string() }),
  stageBase.extend({ status: z.literal("skipped") }),
  stageBase.extend({ status: z.literal("cancelled") }),
]);

export const snapshotSchema = z.looseObject({
  total: count,
  /** Stages that are completed or skipped, or have failed and may. */
  completed: count,
  stages: z.array(stageSchema).max(LIMITS.stages),
});

export const errorInfoSchema = z.looseObject({
  stage: z.string().optional(),
  code: failureCodeSchema,
  message: z.string(),
  ...processEnd,
});

/** Written once, when a build ends. Seconds by stage; sums of the stages' metrics. */
export const buildSummarySchema = z.looseObject({
  stage_seconds: z.record(z.string(), z.number()),
  /** In which at least one stage ran, where stages may run at once; else the sum of theirs. */
  active_seconds: z.number().optional(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  tool_calls: z.number(),
  artifacts: count,
  /** What was asked for and was not made, as the stages' outputs count it. Summaries before 0.3 have none. */
  unmet_total: count.optional(),
  /** Of all attempts; absent where no language model was called. */
  cost_usd: z.number().optional(),
});

const freeLease = z.looseObject({
  /** Claims in a row without progress, this one included. */
  claims: count,
  owner: z.string().optional(),
  expires_at: timeSchema.optional(),
  /** Set by a claim, removed by the lease owner's first write, which cleans up after the previous owner. */
  unstarted: z.boolean().optional(),
  /** As long as `unstarted`: which claim it was. */
  claim_id: z.string().optional(),
  /** Workers in a row that could not run its stage, each once. */
  not_run_by: z.array(z.string()).optional(),
});
const heldLease = freeLease.extend({ owner: z.string(), expires_at: timeSchema });

/** The top-level fields that the list indexes project: what a list shows. */
const listed = {
  project_id: projectIdSchema,
  project_name: z.string(),
  /** How the requirement begins: see `previewOf`. */
  requirement_preview: z.string().optional(),
  user_id: z.string().optional(),
  user_name: z.string().optional(),
  pipeline: z.string().optional(),
  run: z.number().int().min(1),
  tags: z.array(z.string()),
  priority: prioritySchema,
  agent_id: z.string().optional(),
  current_stage: z.string().optional(),
  current_stage_number: count.optional(),
  progress_percentage: percent,
  created_at: timeSchema,
  started_at: timeSchema.optional(),
  completed_at: timeSchema.optional(),
  error_info: errorInfoSchema.optional(),
  build_summary: buildSummarySchema.optional(),
};

const projectBase = z.looseObject({
  schema_version: z.literal(SCHEMA_VERSION),
  ...listed,
  requirement: z.string(),
  /** The version of the pipeline this run was started with; a project with its own stages has none. */
  pipeline_version: z.string().optional(),
  updated_at: timeSchema,
  /** +1 on every write that a reader can see. */
  revision: z.number().int().min(1),
  /** What the item weighs, in bytes, as far as its writers know. */
  item_bytes: count,
  stages_snapshot: snapshotSchema,
  lease_token: count,
  lease_seq: count,
  /** Tells the last report of the lease owner from another one under the same `lease_seq`. */
  report_digest: z.string().optional(),
  lease: freeLease,
  control: z.looseObject({ op: z.string(), at: timeSchema, by: z.string().optional() }).optional(),
  created_by: z.string().optional(),
  /** The trace that it was asked for in, which those that run it continue. */
  traceparent: traceparentSchema.optional(),
  /** What the pipeline's schema of inputs accepted; a larger one is the document that `input_ref` names. */
  input: z.record(z.string(), z.unknown()).optional(),
  input_ref: z.string().optional(),
  /** The run that changed the input. Absent: it is as it was at first. */
  input_run: z.number().int().min(1).optional(),
  /** Not claimed before. */
  start_at: timeSchema.optional(),
  limits: limitsSchema.optional(),
  spent: spentSchema.optional(),
  /** Until the write of the answer, or until the first write of the lease owner that applies the time-out. */
  waiting: waitingSchema.optional(),
  answer: answerSchema.optional(),
  restart_from: z.string().optional(),
  request_hash: z.string().optional(),
  work_queue: z.string().optional(),
  work_due_at: timeSchema.optional(),
});

/** One build: the item as it is read, whatever format it was stored in. */
export const projectSchema = z.discriminatedUnion("status", [
  projectBase.extend({ status: z.literal("pending") }),
  projectBase.extend({ status: z.literal("queued") }),
  projectBase.extend({ status: z.literal("building"), lease: heldLease }),
  projectBase.extend({ status: z.literal("waiting"), waiting: waitingSchema }),
  projectBase.extend({ status: z.literal("paused") }),
  projectBase.extend({ status: z.literal("completed") }),
  projectBase.extend({ status: z.literal("failed"), error_info: errorInfoSchema }),
  projectBase.extend({ status: z.literal("cancelled") }),
]);

/** One line of a list: what the indexes project. */
export const projectSummarySchema = z.object({ ...listed, status: projectStatusSchema });

export type Project = z.output<typeof projectSchema>;
export type ProjectSummary = z.output<typeof projectSummarySchema>;
export type Stage = z.output<typeof stageSchema>;
export type SubStage = z.output<typeof subStageSchema>;
export type Snapshot = z.output<typeof snapshotSchema>;
export type ArtifactInfo = z.output<typeof artifactInfoSchema>;
export type OutputData = z.output<typeof outputDataSchema>;
export type Metrics = z.output<typeof metricsSchema>;
export type HistoryEntry = z.output<typeof historyEntrySchema>;
export type Limits = z.output<typeof limitsSchema>;
export type Spent = z.output<typeof spentSchema>;
export type Waiting = z.output<typeof waitingSchema>;
export type Answer = z.output<typeof answerSchema>;
export type OnTimeout = z.output<typeof onTimeoutSchema>;
export type Accept = z.output<typeof acceptSchema>;
export type ErrorInfo = z.output<typeof errorInfoSchema>;
export type BuildSummary = z.output<typeof buildSummarySchema>;
