import { agentIdOf, agentRefSchema, textSchema } from "@stagefold/core";
import { z } from "zod";
import { agentStatsSchema, invocationStatsSchema } from "../statistics/agent-statistics.ts";
import { timeZoneSchema } from "../statistics/days.ts";
import { overviewSchema } from "../statistics/statistics.ts";
import { buildsSchema } from "../statistics/totals.ts";
import { procedure, router } from "../trpc.ts";

export const stats = router({
  /** How many projects there are in each state. At most a few seconds old. */
  overview: procedure.output(overviewSchema).query(({ ctx }) => ctx.statistics.overview()),

  /** The builds created on each of the last days, today included, by the days of a time zone. */
  builds: procedure
    .input(
      z.object({
        days: z.number().int().min(1).max(366),
        time_zone: timeZoneSchema.default("UTC"),
        pipeline: textSchema(64, 1).optional(),
        /** A part of the id of a user, or of the name that is shown. */
        user: textSchema(256, 1).optional(),
        /** As many days before these are counted too. */
        before: z.boolean().optional(),
      }),
    )
    .output(buildsSchema)
    .query(({ ctx, input }) => ctx.statistics.builds(input)),

  /** The calls of the last days, today included, of all agents or of one: outcomes, durations, tokens, cost. */
  invocations: procedure
    .input(
      z.object({
        days: z.number().int().min(1).max(366),
        time_zone: timeZoneSchema.default("UTC"),
        agent_id: agentRefSchema.optional(),
      }),
    )
    .output(invocationStatsSchema)
    .query(async ({ ctx, input: { agent_id, ...query } }) =>
      ctx.agentStatistics.invocations({
        ...query,
        agent_id: agent_id === undefined ? undefined : await agentIdOf(agent_id),
      }),
    ),

  /** The same by agent. */
  agents: procedure
    .input(z.object({ days: z.number().int().min(1).max(366) }))
    .output(agentStatsSchema)
    .query(({ ctx, input }) => ctx.agentStatistics.agents(input.days)),
});
