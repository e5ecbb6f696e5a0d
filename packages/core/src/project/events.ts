import { z } from "zod";
import { artifactPathSchema, stageKeySchema } from "../snapshot/ids.ts";
import { agentNameSchema } from "../snapshot/inputs.ts";
import { askSchema } from "../snapshot/json-schema.ts";
import { LIMITS, utf8Bytes, valueBytes } from "../snapshot/limits.ts";
import { reportedLineSchema } from "../snapshot/log-line.ts";
import { failureCodeSchema, processEnd } from "../snapshot/schema.ts";
import { figureSchema, jsonObjectSchema, storableTextSchema, textSchema } from "../snapshot/storable.ts";
import { givenTimeSchema } from "../snapshot/time.ts";
import { artifactOrPathSchema } from "./artifacts.ts";

const about = { stage: stageKeySchema, sub_stage: stageKeySchema.optional(), at: givenTimeSchema.optional() };
/** What a budget counts: a negative figure would give back what was spent. */
const SPENT = ["input_tokens", "output_tokens", "tool_calls", "model_calls", "cost_usd"];
const metrics = z
  .record(textSchema(64, 1), z.union([figureSchema, textSchema(256, 1)]))
  .refine(
    (figures) =>
      Object.entries(figures).every(
        ([name, value]) => typeof value === (name === "model" ? "string" : "number"),
      ),
    "expected numbers, and a text for the model alone",
  )
  .refine(
    (figures) => SPENT.every((name) => !(Number(figures[name]) < 0)),
    `expected 0 or more of ${SPENT.join(", ")}`,
  )
  .refine(
    (figures) => Object.keys(figures).length <= LIMITS.metrics,
    `expected at most ${LIMITS.metrics} figures`,
  )
  .optional();

/** What is nearly nothing is nothing: neither `-0` nor what DynamoDB cannot keep. */
const percent = z
  .number()
  .min(0)
  .max(100)
  .transform((value) => (value < 1e-9 ? 0 : value));

export const artifactModeSchema = z.enum(["replace", "add"]);

const MAX_NAME = 64;

/** Notes by name. Each is at most 1 KB with its name. */
export const notesSchema = jsonObjectSchema
  .refine(
    (notes) => Object.keys(notes).every((name) => name !== "" && utf8Bytes(name) <= MAX_NAME),
    `expected names of 1 to ${MAX_NAME} bytes`,
  )
  .refine(
    (notes) => Object.entries(notes).every(([name, value]) => valueBytes({ [name]: value }) <= LIMITS.note),
    `expected notes of at most ${LIMITS.note} bytes`,
  );

/** What a lease owner can say of a stage, or of one of its sub-stages. */
export const reportEventSchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("started"),
    ...about,
    agent_name: agentNameSchema.optional(),
    definition: textSchema(64, 1).optional(),
  }),
  z.object({
    event: z.literal("progress"),
    ...about,
    progress: percent,
  }),
  z.object({ event: z.literal("log"), ...about, lines: z.array(reportedLineSchema).max(10_000) }),
  z.object({
    event: z.literal("artifacts"),
    ...about,
    artifacts: z.array(artifactOrPathSchema).max(10_000),
    mode: artifactModeSchema.default("add"),
  }),
  z.object({
    event: z.literal("completed"),
    ...about,
    output: jsonObjectSchema.optional(),
    metrics,
    artifacts: z.array(artifactOrPathSchema).max(10_000).optional(),
  }),
  z.object({
    event: z.literal("failed"),
    ...about,
    message: storableTextSchema,
    code: failureCodeSchema.default("STAGE_FAILED"),
    retry_in_seconds: z.number().min(0).max(86_400).optional(),
    metrics,
    ...processEnd,
    signal: textSchema(32, 1).optional(),
  }),
  /**
   * What readers see while the stage runs: notes replace those of the same name; the summary is one of its artifacts. The
   * figures of an attempt that is about to be stopped are told so: no event of its own ends it.
   */
  z.object({
    event: z.literal("noted"),
    ...about,
    notes: notesSchema.optional(),
    summary: artifactPathSchema.optional(),
    metrics,
  }),
  z.object({ event: z.literal("skipped"), ...about, reason: storableTextSchema }),
  /** Opens a gate: the stage waits for an answer, and the lease is given up in the same write. */
  z.object({
    event: z.literal("waiting"),
    ...about,
    ...askSchema.shape,
    agent_name: agentNameSchema.optional(),
  }),
]);

export type ReportEvent = z.output<typeof reportEventSchema>;
export type ReportEventInput = z.input<typeof reportEventSchema>;
