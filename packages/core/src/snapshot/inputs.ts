import { z } from "zod";
import { invalidInput } from "../errors.ts";
import { orderProblem } from "./graph.ts";
import { agentRefSchema, stageKeySchema } from "./ids.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { limitsSchema, prioritySchema } from "./schema.ts";
import { jsonObjectSchema, textSchema } from "./storable.ts";
import { givenTimeSchema } from "./time.ts";

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
  weight: z.number().min(1e-6).max(1e6).optional(),
  /** Stages that must be finished before it begins; left out: all earlier ones. */
  needs: z.array(stageKeySchema).max(LIMITS.stages).optional(),
  /** It runs after all others, also when the build is failing. */
  finally: z.boolean().optional(),
  /** The build continues when it has failed. */
  allow_failure: z.boolean().optional(),
});

/** The input of a build, as a create or a retry gives it. */
export const inputSchema = jsonObjectSchema.refine(
  (input) => utf8Bytes(JSON.stringify(input)) <= LIMITS.input,
  `expected at most ${LIMITS.input} bytes of JSON`,
);

export const createProjectSchema = z.object({
  /** Needed unless the pipeline's builds are told by their input what to do. */
  requirement: textSchema(LIMITS.requirement, 1).optional(),
  input: inputSchema.optional(),
  start_at: givenTimeSchema.optional(),
  limits: limitsSchema.optional(),
  pipeline: pipelineNameSchema.optional(),
  project_name: textSchema(LIMITS.projectName, 1).optional(),
  user_id: userIdSchema.optional(),
  user_name: textSchema(LIMITS.userId, 1).optional(),
  /** Or an id that it has elsewhere. */
  agent_id: agentRefSchema.optional(),
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
    .superRefine((stages, context) => {
      const problem = orderProblem(stages);
      if (!problem) return;
      const { position, field, expected, found } = problem;
      context.addIssue({
        code: "custom",
        path: [position, ...field],
        message: `${expected}, found ${found}`,
      });
    })
    .optional(),
});

export type CreateProjectInput = z.input<typeof createProjectSchema>;

/** Input that has passed its schema. Errors: INVALID_INPUT, which names each field at fault. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) =>
    [path.join("."), message].filter(Boolean).join(": "),
  );
  throw invalidInput(`${what} cannot be taken: ${issues.slice(0, 5).join("; ")}.`, issues);
}
