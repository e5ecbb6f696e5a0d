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

/** One attempt of one stage, as the host needs it. */
export const jobSchema = z.object({
  /** Names this run of the host: messages of an earlier one are told apart by it. */
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
export type HostJob = z.output<typeof jobSchema>;

/** What the worker says to a host. */
export const toHostSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start"), job: jobSchema }),
  z.object({ kind: z.literal("abort"), job: z.string(), reason: z.enum(STOP_REASONS) }),
  z.object({ kind: z.literal("stored"), job: z.string(), request: z.number().int() }),
  z.object({ kind: z.literal("refused"), job: z.string(), request: z.number().int(), message: z.string() }),
]);
export type ToHost = z.output<typeof toHostSchema>;

const part = z.string().optional();
const count = z.number().min(0).optional();
export const metricsSchema = z.object({ input_tokens: count, output_tokens: count, tool_calls: count });

/** A file that lies below the work folder, to be recorded. */
export const hostArtifactSchema = z.object({
  path: z.string(),
  sub_stage: part,
  media_type: z.string().optional(),
  doc_path: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type HostArtifact = z.output<typeof hostArtifactSchema>;

/** A file that is kept elsewhere, to be recorded without its bytes. */
const hostReferenceSchema = hostArtifactSchema.extend({
  size: z.number().int().min(0).optional(),
  sha256: z.string().optional(),
});
export type HostReference = z.output<typeof hostReferenceSchema>;

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

const fromHost = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  // The pipelines are read, or cannot be: what comes before is the host's own time, not that of a stage.
  z.object({ kind: z.literal("loaded") }),
  z.object({ kind: z.literal("progress"), job, percent: z.number(), sub_stage: part }),
  z.object({ kind: z.literal("metrics"), job, values: metricsSchema }),
  z.object({ kind: z.literal("part"), job, part: partEventSchema }),
  z.object({ kind: z.literal("artifact"), job, request: z.number().int(), artifact: hostArtifactSchema }),
  z.object({ kind: z.literal("reference"), job, artifact: hostReferenceSchema }),
  z.object({
    kind: z.literal("completed"),
    job,
    output: z.record(z.string(), z.unknown()),
    clean: z.boolean(),
  }),
  z.object({ kind: z.literal("failed"), job, failure: stageFailureSchema, clean: z.boolean() }),
]);
export type FromHost = z.output<typeof fromHost>;

/** What a host says to the worker: as much as it has to say, in order. */
export const fromHostSchema = z.array(fromHost);

/** How an attempt ended, as far as whoever runs it knows. */
export type StageOutcome =
  | { readonly kind: "completed"; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly failure: StageFailure }
  | { readonly kind: "stopped"; readonly reason: StopReason };
