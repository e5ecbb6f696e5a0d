import {
  AGENT_LIMITS,
  agentIdOf,
  agentRefSchema,
  sessionIdSchema,
  textSchema,
  userIdSchema,
} from "@stagefold/core";
import { z } from "zod";
import { askerOf, userIdFor } from "../auth/principal.ts";
import { listFields } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { type SessionOutput, sessionOutput, sessionPageSchema } from "./agent-outputs.ts";

const onSession = z.strictObject({ session_id: sessionIdSchema });
const title = textSchema(AGENT_LIMITS.title, 1);

export const sessions = router({
  create: procedure
    .input(
      z.strictObject({
        agent_id: agentRefSchema,
        user_id: userIdSchema.optional(),
        title: title.optional(),
        idempotency_key: textSchema(256, 1).optional(),
      }),
    )
    .mutation(async ({ ctx, input }): Promise<SessionOutput> => {
      const { agent_id } = await ctx.agentRecords.agents.get(input.agent_id);
      const user_id = userIdFor(ctx.principal, input.user_id);
      return sessionOutput(await ctx.agentRecords.sessions.create({ ...input, agent_id, user_id }));
    }),

  get: procedure
    .input(onSession)
    .query(
      async ({ ctx, input }): Promise<SessionOutput> =>
        sessionOutput(await ctx.agentRecords.sessions.get(input.session_id)),
    ),

  /** Of an agent, or of a user: exactly one of the two. The last active first. */
  list: procedure
    .input(
      z
        .strictObject({
          agent_id: agentRefSchema.optional(),
          user_id: userIdSchema.optional(),
          ...listFields(),
        })
        .refine(
          ({ agent_id, user_id }) => (agent_id === undefined) !== (user_id === undefined),
          "expected either agent_id or user_id",
        ),
    )
    .output(sessionPageSchema)
    .query(async ({ ctx, input: { agent_id, user_id = "", limit, cursor } }) => {
      const of = agent_id === undefined ? { user_id } : { agent_id: await agentIdOf(agent_id) };
      return await ctx.agentRecords.lists.sessions(of, limit, cursor);
    }),

  rename: procedure
    .input(onSession.extend({ title }))
    .mutation(
      async ({ ctx, input }): Promise<SessionOutput> =>
        sessionOutput(
          await ctx.agentRecords.sessions.rename(input.session_id, input.title, askerOf(ctx.principal)),
        ),
    ),

  delete: procedure
    .input(onSession)
    .output(z.object({ session_id: z.string(), deleted: z.literal(true) }))
    .mutation(async ({ ctx, input: { session_id } }) => {
      await ctx.turns.deleteSession(session_id, askerOf(ctx.principal));
      return { session_id, deleted: true as const };
    }),
});
