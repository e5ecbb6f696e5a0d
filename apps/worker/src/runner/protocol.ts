import {
  artifactInputSchema,
  artifactPathSchema,
  type LogLine,
  limitsSchema,
  type Notes,
  notesSchema,
  stageKeySchema,
  traceparentSchema,
  truncateUtf8,
} from "@stagefold/core";
import type { ModelQuestion, ModelReply } from "@stagefold/pipeline";
import { z } from "zod";

/** Why a running stage is stopped before it ended by itself. */
export const STOP_REASONS = ["timeout", "cancelled", "shutdown", "lease_lost", "failed"] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/** What a runner process is started with. */
export interface RunnerArguments {
  /** The process that it must not outlive. */
  readonly workerPid: number;
  /** See `process-tree.ts`. */
  readonly tag: string;
}

const argumentsSchema = z.tuple([z.coerce.number().int().positive(), z.string()]);

export function toArguments({ workerPid, tag }: RunnerArguments): string[] {
  return [String(workerPid), tag];
}

export function runnerArguments(given: readonly string[]): RunnerArguments {
  const [workerPid, tag] = argumentsSchema.parse(given);
  return { workerPid, tag };
}

const runAction = z.object({
  kind: z.literal("run"),
  pipeline: z.string(),
  stage: z.string(),
  /** The file that exports the pipeline, absolute; a built-in pipeline has none. */
  module: z.string().optional(),
});
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
  /** The language model that the stage may ask through the worker; absent where there is none. */
  model: z.string().optional(),
  /** What the build was given; absent for a pipeline that takes nothing. */
  input: z.record(z.string(), z.unknown()).optional(),
  /** What remains of its limits. */
  limits: limitsSchema,
  /** What the stage's own requests say of the trace. */
  traceparent: traceparentSchema.optional(),
  /** What earlier stages returned, by key. */
  outputs: z.record(z.string(), z.unknown()),
  /** Megabytes that the stage's processes may have for themselves. */
  memory_mb: z.number().optional(),
  /** Those that the stage names, by name. */
  secrets: z.record(z.string(), z.string()),
  action: z.discriminatedUnion("kind", [runAction, commandAction]),
});
export type StageJob = z.output<typeof jobSchema>;

/** What the worker says to a runner. */
export const workerMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start"), job: jobSchema }),
  z.object({ kind: z.literal("abort"), job: z.string(), reason: z.enum(STOP_REASONS) }),
  /** The artifacts of a request are stored, but for these, by their position. */
  z.object({
    kind: z.literal("stored"),
    job: z.string(),
    request: z.number().int(),
    refused: z.array(z.object({ index: z.number().int(), message: z.string() })),
  }),
  /** The language model's answer to a request, or why there is none. */
  z.object({
    kind: z.literal("answered"),
    job: z.string(),
    request: z.number().int(),
    reply: z.object({ text: z.string(), value: z.unknown().optional() }).optional(),
    failure: z
      .object({
        message: z.string(),
        code: z.string(),
        final: z.boolean().optional(),
        retry_in_seconds: z.number().optional(),
      })
      .optional(),
  }),
]);
export type WorkerMessage = z.output<typeof workerMessageSchema>;

/*
 * What a runner says. Code of a user shares its process and can send anything through its channel, so each message is
 * checked as hostile input: what passes here, the store can keep. Anything else ends the runner and fails its stage.
 */

/** Bytes of a failure's message; the item keeps less. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Of one message. A stage's sum stays far below what a number can hold exactly. */
const MAX_COUNT = 1e12;
/** Artifacts of one request. */
export const MAX_BATCH = 256;
const DAY_SECONDS = 86_400;

const message = z.string().transform((text) => truncateUtf8(text.toWellFormed(), MAX_MESSAGE_BYTES));
const part = stageKeySchema.optional();
const count = z.number().min(0).max(MAX_COUNT).optional();
export const metricsSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  tool_calls: count,
  cost_usd: count,
});
export type StageMetrics = z.output<typeof metricsSchema>;

/** What a stage may say of a file below its workspace that is to be recorded. */
export const stageArtifactSchema = artifactInputSchema.omit({
  size: true,
  sha256: true,
  executable: true,
  created_at: true,
});
export type StageArtifact = z.output<typeof stageArtifactSchema>;

/** A file that is kept elsewhere, to be recorded without its bytes. */
export const stageReferenceSchema = artifactInputSchema.omit({ created_at: true });
export type StageReference = z.output<typeof stageReferenceSchema>;

const partEventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("started"), key: stageKeySchema }),
  z.object({ event: z.literal("completed"), key: stageKeySchema }),
  z.object({ event: z.literal("failed"), key: stageKeySchema, message }),
]);
export type PartEvent = z.output<typeof partEventSchema>;

/** Why an attempt failed, as the stage itself says. `code` may be one of the stage's own. */
const stageFailureSchema = z.object({
  message,
  code: z.string().max(256),
  final: z.boolean().optional(),
  retry_in_seconds: z
    .number()
    .min(0)
    .transform((seconds) => Math.min(DAY_SECONDS, seconds))
    .optional(),
  exit_code: z.number().int().min(-1024).max(1024).optional(),
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]{1,16}$/)
    .optional(),
});
export type StageFailure = z.output<typeof stageFailureSchema>;

/** Characters of all that one question to the language model has. */
const MAX_QUESTION = 1_000_000;
export const modelQuestionSchema = z
  .object({
    purpose: z.string().max(200),
    system: z.string().optional(),
    messages: z.array(z.object({ role: z.enum(["user", "assistant"]), text: z.string() })).min(1),
    schema: z.record(z.string(), z.unknown()),
    max_output_tokens: z.number().int().min(1).optional(),
  })
  .refine((question) => JSON.stringify(question).length <= MAX_QUESTION, "expected a shorter question");

const job = z.string().max(64);
/** The write that ends the stage checks what is in it. */
const output = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "expected a JSON object",
);
/** What the runner finds of the stage in its own process when it has ended. */
const remains = {
  /** No timer, socket or listener is left. */
  clean: z.boolean(),
  /** Processes were started on the way. */
  spawned: z.boolean(),
};

const runnerMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  // The stage's module, which this runner does not have yet, is loaded now: what comes before is the runner's own.
  z.object({ kind: z.literal("loading"), job }),
  // The stage's module is loaded: what comes before is not the time of the stage.
  z.object({ kind: z.literal("begun"), job }),
  z.object({ kind: z.literal("progress"), job, percent: z.number().min(0).max(100), sub_stage: part }),
  z.object({ kind: z.literal("metrics"), job, values: metricsSchema }),
  z.object({
    kind: z.literal("noted"),
    job,
    notes: notesSchema.optional(),
    summary: artifactPathSchema.optional(),
  }),
  z.object({ kind: z.literal("part"), job, part: partEventSchema }),
  z.object({
    kind: z.literal("artifacts"),
    job,
    request: z.number().int(),
    artifacts: z.array(stageArtifactSchema).max(MAX_BATCH),
  }),
  z.object({ kind: z.literal("reference"), job, artifact: stageReferenceSchema }),
  z.object({ kind: z.literal("ask"), job, request: z.number().int(), question: modelQuestionSchema }),
  z.object({ kind: z.literal("completed"), job, output, ...remains }),
  z.object({ kind: z.literal("failed"), job, failure: stageFailureSchema, ...remains }),
  z.object({ kind: z.literal("not_run"), job, reason: message, ...remains }),
]);
export type RunnerMessage = z.output<typeof runnerMessage>;

/** What a runner says to the worker: as much as it has to say, in order. */
export const runnerMessagesSchema = z.array(runnerMessage);

/** `loading`: its process loads its module, unless it has that already. `begun`: the stage's own code runs. */
export type OnPhase = (phase: "loading" | "begun") => void;

/** Where what a running stage says goes. */
export interface StageSink {
  lines(lines: readonly LogLine[]): void;
  /** A line has begun that has no end yet. When it is to be shown, `take` gives what there is of it. */
  begun(take: () => readonly LogLine[]): void;
  /** Whether more lines are welcome; if not, `room` resolves when they are. */
  hasRoom(): boolean;
  room(): Promise<void>;
  progress(percent: number, part: string | undefined): void;
  metrics(values: StageMetrics): void;
  part(event: PartEvent): void;
  /** What readers see while the stage runs. */
  noted(noted: { readonly notes?: Notes | undefined; readonly summary?: string | undefined }): void;
  /** Stores a file of the workspace; what it resolves with records it. Its failure is reported to the stage. */
  artifact(artifact: StageArtifact): Promise<() => void>;
  /** Records a file that is kept elsewhere. */
  reference(artifact: StageReference): void;
  /** Asks the language model. Rejects with a StageError where there is no answer. */
  ask(question: ModelQuestion): Promise<ModelReply>;
}

/**
 * How an attempt ended, as its runner knows. `not_run`: it failed before the stage's own code began (no process, no
 * workspace, no store), which says nothing of the stage: this worker gives the build back.
 */
export type StageOutcome =
  | { readonly kind: "completed"; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly failure: StageFailure }
  | { readonly kind: "stopped"; readonly reason: StopReason }
  | { readonly kind: "not_run"; readonly reason: string; readonly storeIsAway?: boolean };
