import { limitsSchema } from "@stagefold/core";
import type { Pipeline } from "@stagefold/pipeline";
import { z } from "zod";
import { listFields, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";

/** One text, or one per language: `{ en: "Tests", zh: "测试" }`. */
const localisedText = z.union([z.string(), z.record(z.string(), z.string())]);

export const pipelineSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: localisedText.optional(),
  /** Builds that may run at the same time. */
  max_running: z.number().optional(),
  /** JSON Schema of what a build may be given; none: nothing but its requirement. */
  input_schema: z.record(z.string(), z.unknown()).optional(),
  requirement: z.enum(["required", "optional"]),
  limits: limitsSchema.optional(),
  retention_days: z.number().optional(),
  stages: z.array(
    z.object({
      stage: z.string(),
      stage_name: localisedText,
      weight: z.number(),
      agent_name: z.string().optional(),
      timeout_seconds: z.number(),
      /** Builds have the stage only if their input has these values. */
      when: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      /** `command`, `gate`, or `run`: a function. */
      kind: z.enum(["run", "command", "gate"]),
      /** JSON Schema of what answers a gate. */
      answer_schema: z.record(z.string(), z.unknown()).optional(),
      retry: z.object({
        attempts: z.number(),
        backoff_seconds: z.number(),
        final_codes: z.array(z.string()).readonly().optional(),
      }),
    }),
  ),
});

function described({ stages, input, ...pipeline }: Pipeline) {
  return {
    ...pipeline,
    ...(input && { input_schema: input }),
    stages: stages.map(({ action, ...stage }) => ({
      ...stage,
      kind: action.kind === "module" ? "run" : action.kind,
      ...(action.kind === "gate" && action.answer && { answer_schema: action.answer }),
    })),
  };
}

export const pipelines = router({
  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(pipelineSchema))
    .query(({ ctx, input }) => {
      const all = ctx.pipelines.list().map((pipeline) => pipelineSchema.parse(described(pipeline)));
      return pageOf("pipelines", all, input);
    }),
});
