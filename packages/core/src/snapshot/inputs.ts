import { z } from "zod";
import { agentIdSchema, stageKeySchema } from "./ids.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { prioritySchema } from "./schema.ts";

/** A text of at most `max` bytes of UTF-8, without lone surrogates, which UTF-8 cannot keep. */
export function textSchema(max: number, min = 0) {
  return z
    .string()
    .min(min)
    .refine((text) => text.isWellFormed(), "expected well-formed Unicode")
    .refine((text) => utf8Bytes(text) <= max, `expected at most ${max} bytes of UTF-8`);
}

export const agentNameSchema = textSchema(200, 1);
export const pipelineNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "expected 1 to 64 of a-z 0-9 _ -");
/** Names one control write, so that its repeat is harmless. */
export const operationIdSchema = textSchema(64, 1);
export const userIdSchema = textSchema(LIMITS.userId, 1);

export const stagePlanSchema = z.object({
  stage: stageKeySchema,
  stage_name: textSchema(LIMITS.stageName, 1).optional(),
  weight: z.number().positive().max(1e6).optional(),
});

export const createProjectSchema = z.object({
  requirement: textSchema(LIMITS.requirement, 1).refine((text) => text.trim() !== "", "expected some text"),
  pipeline: pipelineNameSchema.optional(),
  project_name: textSchema(LIMITS.projectName, 1).optional(),
  user_id: userIdSchema.optional(),
  user_name: textSchema(LIMITS.userId, 1).optional(),
  agent_id: agentIdSchema.optional(),
  tags: z.array(textSchema(LIMITS.tag, 1)).max(LIMITS.tags).optional(),
  priority: prioritySchema.optional(),
  idempotency_key: textSchema(256, 1).optional(),
  /** Stages of the project's own, for a program that runs them itself: no pipeline of the platform does. */
  stages: z
    .array(stagePlanSchema)
    .min(1)
    .max(LIMITS.stages)
    .refine(
      (stages) => new Set(stages.map((s) => s.stage)).size === stages.length,
      "expected each stage once",
    )
    .optional(),
});

export type CreateProjectInput = z.input<typeof createProjectSchema>;
