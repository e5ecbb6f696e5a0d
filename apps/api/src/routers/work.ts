import {
  operationIdSchema,
  projectIdSchema,
  projectStatusSchema,
  reportEventSchema,
  textSchema,
  timeSchema,
} from "@stagefold/core";
import { z } from "zod";
import type { ProjectAnswer } from "../outputs.ts";
import { procedure, router } from "../trpc.ts";
import { type ClaimAnswer, claimWork } from "./claim.ts";

const leaseNumber = z.number().int().min(0);
const operation = { operation_id: operationIdSchema.optional() };
const held = z.strictObject({ project_id: projectIdSchema, lease_token: leaseNumber, ...operation });
const write = held.extend({ lease_seq: leaseNumber });

/** What the built-in worker does, for programs that run the stages of their own projects. */
export const work = router({
  claim: procedure
    .input(
      z.strictObject({
        owner: textSchema(128, 1),
        project_id: projectIdSchema.optional(),
        pipelines: z.array(textSchema(64, 1)).min(1).max(50).optional(),
        ...operation,
      }),
    )
    .mutation(({ ctx, input }): Promise<ClaimAnswer | null> => claimWork(ctx.repository, input)),

  heartbeat: procedure
    .input(held)
    .output(z.object({ expires_at: timeSchema, status: projectStatusSchema }))
    .mutation(({ ctx, input }) => ctx.repository.work.heartbeat(input.project_id, input.lease_token)),

  /** All events in one write, or none of them. */
  report: procedure
    .input(write.extend({ events: z.array(reportEventSchema).max(1000) }))
    .mutation(async ({ ctx, input: { operation_id: _o, ...report } }): Promise<ProjectAnswer> => {
      const project = await ctx.repository.work.report(report);
      for (const event of report.events)
        if (event.event === "failed" && event.retry_in_seconds !== undefined) ctx.onStageRetry?.();
      return project;
    }),

  /** Gives the lease back; a stage that runs waits for its next attempt. */
  release: procedure
    .input(write)
    .mutation(
      ({ ctx, input: { operation_id: _o, ...lease } }): Promise<ProjectAnswer> =>
        ctx.repository.work.report({ ...lease, events: [], release: true }),
    ),
});
