import {
  AGENT_KINDS,
  AGENT_LIMITS,
  agentIdOfBuild,
  agentRefSchema,
  agentStatusSchema,
  artifactPathSchema,
  projectIdSchema,
  publishBuild,
  publishedAgentSchema,
  textSchema,
  userIdSchema,
} from "@stagefold/core";
import { z } from "zod";
import { filesInputSchema } from "../agents/files.ts";
import { askerOf, userIdFor } from "../auth/principal.ts";
import { listFields } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { type AgentOutput, agentPageSchema, type TurnOutput, turnOutput } from "./agent-outputs.ts";
import { callerOf, callerSchema } from "./caller.ts";
import { requireOwnAgent } from "./create-build.ts";

const onAgent = z.strictObject({ agent_id: agentRefSchema });
const question = textSchema(AGENT_LIMITS.question, 1);
const tags = z.array(textSchema(64, 1)).max(20);

const settings = z.strictObject({
  model: textSchema(200, 1).optional(),
  max_steps: z.number().int().min(1).max(200).optional(),
  timeout_seconds: z.number().int().min(1).max(86_400).optional(),
  max_output_tokens: z.number().int().min(1).max(1_000_000).optional(),
});

/** How long `agents.invoke` waits for the end, unless told otherwise. Seconds. */
const WAIT_SECONDS = 60;

export const agents = router({
  list: procedure
    .input(
      z
        .object({
          user_id: userIdSchema.optional(),
          status: agentStatusSchema.optional(),
          category: textSchema(AGENT_LIMITS.category, 1).optional(),
          tag: textSchema(64, 1).optional(),
          text: textSchema(200, 1).optional(),
          ...listFields(),
        })
        .prefault({}),
    )
    .output(agentPageSchema)
    .query(({ ctx, input: { limit, cursor, ...filter } }) =>
      ctx.agentRecords.lists.agents(filter, limit, cursor),
    ),

  get: procedure
    .input(onAgent)
    .query(async ({ ctx, input }): Promise<AgentOutput> => await ctx.agentRecords.agents.get(input.agent_id)),

  update: procedure
    .input(
      onAgent.extend({
        title: textSchema(AGENT_LIMITS.title, 1).optional(),
        description: textSchema(AGENT_LIMITS.description).optional(),
        category: textSchema(AGENT_LIMITS.category, 1).optional(),
        tags: tags.optional(),
        settings: settings.optional(),
      }),
    )
    .mutation(async ({ ctx, input }): Promise<AgentOutput> => {
      const { agent_id, settings: given, ...change } = input;
      const chosen = Object.fromEntries(
        Object.entries(given ?? {}).filter(([, value]) => value !== undefined),
      );
      return await ctx.agentRecords.agents.update(
        agent_id,
        { ...change, settings: chosen },
        askerOf(ctx.principal),
      );
    }),

  enable: procedure
    .input(onAgent)
    .mutation(
      async ({ ctx, input }): Promise<AgentOutput> =>
        await ctx.agentRecords.agents.enable(input.agent_id, askerOf(ctx.principal)),
    ),

  disable: procedure
    .input(onAgent)
    .mutation(
      async ({ ctx, input }): Promise<AgentOutput> =>
        await ctx.agentRecords.agents.disable(input.agent_id, askerOf(ctx.principal)),
    ),

  /** The version that answers from now on: back, or forward. */
  setVersion: procedure
    .input(onAgent.extend({ version: z.number().int().min(1) }))
    .mutation(
      async ({ ctx, input }): Promise<AgentOutput> =>
        await ctx.agentRecords.agents.setVersion(input.agent_id, input.version, askerOf(ctx.principal)),
    ),

  /** For programs that build agents by themselves: what their project made becomes a version. Twice is harmless. */
  publish: procedure
    .input(
      publishedAgentSchema.extend({
        project_id: projectIdSchema,
        entry: artifactPathSchema,
        kind: z.enum(AGENT_KINDS),
        /** Left out: the project's, or one that is derived from its id. */
        agent_id: agentRefSchema.optional(),
      }),
    )
    .mutation(async ({ ctx, input }): Promise<AgentOutput> => {
      const { project_id, agent_id, ...made } = input;
      const project = await ctx.repository.get(project_id);
      const artifacts = await ctx.repository.artifactsOf(project);
      const ref = agent_id ?? agentIdOfBuild(project);
      const asker = askerOf(ctx.principal);
      await requireOwnAgent(ctx, ref, asker);
      return await publishBuild(ctx.agentRecords.agents, ref, project, artifacts, made, asker);
    }),

  /** With its sessions, its calls and their files; its builds stay. */
  delete: procedure
    .input(onAgent)
    .output(z.object({ agent_id: z.string(), deleted: z.literal(true) }))
    .mutation(async ({ ctx, input }) => {
      const { agent_id } = await ctx.turns.deleteAgent(input.agent_id, askerOf(ctx.principal));
      return { agent_id, deleted: true as const };
    }),

  /** One question without a session. Answers with the call, ended or, after `wait_seconds`, still running. */
  invoke: procedure
    .input(
      onAgent.extend({
        text: question,
        files: filesInputSchema.optional(),
        invocation_key: textSchema(256, 1).optional(),
        wait_seconds: z.number().min(0).max(300).default(WAIT_SECONDS),
        user_id: userIdSchema.optional(),
        caller: callerSchema,
      }),
    )
    .mutation(async ({ ctx, input, signal }): Promise<TurnOutput> => {
      const { agent_id, text, files = [], invocation_key: key, wait_seconds } = input;
      const user_id = userIdFor(ctx.principal, input.user_id);
      const caller = callerOf(ctx.principal, input.caller);
      const { traceparent } = ctx;
      const question = { text, files, key, caller, traceparent };
      const { turn } = await ctx.turns.invoke(agent_id, question, user_id);
      const { invocation_id } = turn;
      if (invocation_id === undefined || wait_seconds === 0) return turnOutput(turn);
      return turnOutput(await ctx.turns.waitForEnd({ invocation_id }, wait_seconds * 1000, signal));
    }),
});
