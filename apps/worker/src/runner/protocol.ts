import { z } from "zod";

/** Why a running stage is stopped before it ended by itself. */
export const STOP_REASONS = ["timeout", "cancelled", "shutdown", "lease_lost", "failed"] as const;
export type StopReason = (typeof STOP_REASONS)[number];

const runAction = z.object({ kind: z.literal("run"), pipeline: z.string(), stage: z.string() });
const commandAction = z.object({
  kind: z.literal("command"),
  command: z.string(),
  env: z.record(z.string(), z.string()),
  artifacts: z.array(z.string()),
});

/** One attempt of one stage, as the runner needs it. */
export const jobSchema = z.object({
  /** Names this run of the runner: messages of an earlier one are told apart by it. */
  id: z.string(),
  /** Written to the output when the stage has ended: all that came before it belongs to the stage. */
  marker: z.string(),
  /** The stage's key in the pipeline; the project may keep an older one. */
  stage: z.string(),
  attempt: z.number().int(),
  work_dir: z.string(),
  project: z.object({
    project_id: z.string(),
    project_name: z.string(),
    requirement: z.string(),
    user_id: z.string().optional(),
    agent_id: z.string().optional(),
    tags: z.array(z.string()),
  }),
  /** What earlier stages returned, by key. */
  outputs: z.record(z.string(), z.unknown()),
  action: z.discriminatedUnion("kind", [runAction, commandAction]),
});
export type StageJob = z.output<typeof jobSchema>;

/** What the worker says to a runner. */
export const workerMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start"), job: jobSchema }),
  z.object({ kind: z.literal("abort"), job: z.string(), reason: z.enum(STOP_REASONS) }),
  z.object({ kind: z.literal("stored"), job: z.string(), request: z.number().int() }),
  z.object({ kind: z.literal("refused"), job: z.string(), request: z.number().int(), message: z.string() }),
]);
export type WorkerMessage = z.output<typeof workerMessageSchema>;

const part = z.string().optional();
const count = z.number().min(0).optional();
export const metricsSchema = z.object({ input_tokens: count, output_tokens: count, tool_calls: count });

/** A file that lies below the workspace, to be recorded. */
export const stageArtifactSchema = z.object({
  path: z.string(),
  sub_stage: part,
  media_type: z.string().optional(),
  doc_path: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type StageArtifact = z.output<typeof stageArtifactSchema>;

/** A file that is kept elsewhere, to be recorded without its bytes. */
const stageReferenceSchema = stageArtifactSchema.extend({
  size: z.number().int().min(0).optional(),
  sha256: z.string().optional(),
});
export type StageReference = z.output<typeof stageReferenceSchema>;

export const partEventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("started"), key: z.string() }),
  z.object({ event: z.literal("completed"), key: z.string() }),
  z.object({ event: z.literal("failed"), key: z.string(), message: z.string() }),
]);
export type PartEvent = z.output<typeof partEventSchema>;

/** Why an attempt failed, as the stage itself says. `code` may be one of the stage's own. */
export const stageFailureSchema = z.object({
  message: z.string(),
  code: z.string(),
  final: z.boolean().optional(),
  retry_in_seconds: z.number().min(0).optional(),
});
export type StageFailure = z.output<typeof stageFailureSchema>;

const job = z.string();

const runnerMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  // The pipelines are read, or cannot be: what comes before is the runner's own time, not that of a stage.
  z.object({ kind: z.literal("loaded") }),
  z.object({ kind: z.literal("progress"), job, percent: z.number(), sub_stage: part }),
  z.object({ kind: z.literal("metrics"), job, values: metricsSchema }),
  z.object({ kind: z.literal("part"), job, part: partEventSchema }),
  z.object({ kind: z.literal("artifact"), job, request: z.number().int(), artifact: stageArtifactSchema }),
  z.object({ kind: z.literal("reference"), job, artifact: stageReferenceSchema }),
  z.object({
    kind: z.literal("completed"),
    job,
    output: z.record(z.string(), z.unknown()),
    clean: z.boolean(),
  }),
  z.object({ kind: z.literal("failed"), job, failure: stageFailureSchema, clean: z.boolean() }),
]);
export type RunnerMessage = z.output<typeof runnerMessage>;

/** What a runner says to the worker: as much as it has to say, in order. */
export const runnerMessagesSchema = z.array(runnerMessage);

/**
 * How an attempt ended, as its runner knows. `not_run`: it failed before the stage's own code began (no process, no
 * workspace, no store), which says nothing of the stage: this worker gives the build back.
 */
export type StageOutcome =
  | { readonly kind: "completed"; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly failure: StageFailure }
  | { readonly kind: "stopped"; readonly reason: StopReason }
  | { readonly kind: "not_run"; readonly reason: string };
