import { LIMITS, SCHEMA_VERSION, timeSchema } from "@stagefold/core";
import { z } from "zod";
import { MAX_BATCH, MAX_BODY_BYTES } from "../errors.ts";
import { procedure, router } from "../trpc.ts";

export const systemInfoSchema = z.object({
  name: z.literal("stagefold"),
  version: z.string(),
  schema_version: z.number(),
  /** Which kind of DynamoDB keeps the table. */
  engine: z.string(),
  node_version: z.string(),
  started_at: timeSchema,
  now: timeSchema,
  /** The language model of agents; without a price no limit of money can be kept, and calls under one are refused. */
  model: z.object({ name: z.string(), priced: z.boolean() }).nullable(),
  /** USD for a day of UTC. */
  budget_usd: z.number().nullable(),
  lease_seconds: z.number(),
  /** Bytes, counts and levels. */
  limits: z.record(z.string(), z.number()),
});

export const system = router({
  info: procedure.output(systemInfoSchema).query(({ ctx }) => ({
    name: "stagefold" as const,
    ...ctx.system,
    schema_version: SCHEMA_VERSION,
    now: ctx.repository.now(),
    lease_seconds: ctx.repository.leaseMs / 1000,
    limits: {
      request_bytes: MAX_BODY_BYTES,
      calls_per_request: MAX_BATCH,
      item_bytes: LIMITS.item,
      stages: LIMITS.stages,
      requirement_bytes: LIMITS.requirement,
      inline_output_bytes: LIMITS.inlineOutput,
    },
  })),
});
