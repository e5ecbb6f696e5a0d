import { z } from "zod";
import { stageKeySchema } from "../snapshot/ids.ts";
import { agentNameSchema } from "../snapshot/inputs.ts";
import { jsonObjectSchema } from "../snapshot/json.ts";
import { failureCodeSchema } from "../snapshot/schema.ts";
import { timeSchema } from "../snapshot/time.ts";
import { artifactInputSchema } from "../transitions/artifacts.ts";

const about = { stage: stageKeySchema, sub_stage: stageKeySchema.optional(), at: timeSchema.optional() };
const metrics = z.record(z.string().min(1).max(64), z.number()).optional();

export const artifactModeSchema = z.enum(["replace", "add"]);

/** What the holder of a lease can say of a stage, or of a part of it. */
export const reportEventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("started"), ...about, agent_name: agentNameSchema.optional() }),
  z.object({ event: z.literal("progress"), ...about, progress: z.number().min(0).max(100) }),
  z.object({ event: z.literal("log"), ...about, lines: z.array(z.string()).max(10_000) }),
  z.object({
    event: z.literal("artifacts"),
    ...about,
    artifacts: z.array(artifactInputSchema).max(10_000),
    mode: artifactModeSchema.default("add"),
  }),
  z.object({
    event: z.literal("completed"),
    ...about,
    output: jsonObjectSchema.optional(),
    metrics,
    artifacts: z.array(artifactInputSchema).max(10_000).optional(),
  }),
  z.object({
    event: z.literal("failed"),
    ...about,
    message: z.string(),
    code: failureCodeSchema.default("STAGE_FAILED"),
    retry_in_seconds: z.number().min(0).max(86_400).optional(),
    metrics,
  }),
  z.object({ event: z.literal("skipped"), ...about, reason: z.string() }),
]);

export type ReportEvent = z.output<typeof reportEventSchema>;
export type ReportEventInput = z.input<typeof reportEventSchema>;
