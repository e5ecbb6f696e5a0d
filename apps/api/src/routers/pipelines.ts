import { z } from "zod";
import { listFields, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";

/** One text, or one per language: `{ en: "Tests", zh: "测试" }`. */
const localisedText = z.union([z.string(), z.record(z.string(), z.string())]);

const pipelineSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: localisedText.optional(),
  /** Builds that may run at the same time. */
  max_running: z.number().optional(),
  stages: z.array(
    z.object({
      stage: z.string(),
      stage_name: localisedText,
      weight: z.number(),
      agent_name: z.string().optional(),
      timeout_seconds: z.number(),
      retry: z.object({
        attempts: z.number(),
        backoff_seconds: z.number(),
        final_codes: z.array(z.string()).readonly().optional(),
      }),
    }),
  ),
});

export const pipelines = router({
  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(pipelineSchema))
    .query(({ ctx, input }) => {
      const all = ctx.pipelines.list().map((pipeline) => pipelineSchema.parse(pipeline));
      return pageOf("pipelines", all, input);
    }),
});
