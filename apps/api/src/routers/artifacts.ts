import {
  agentRefSchema,
  artifactModeSchema,
  artifactOrPathSchema,
  artifactSchema,
  operationIdSchema,
  projectIdSchema,
  stageKeySchema,
} from "@stagefold/core";
import { z } from "zod";
import { askerOf } from "../auth/principal.ts";
import { type ProjectOutput, projectOutput } from "../outputs.ts";
import { listFields, listOfAgent, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";

const onStage = z.strictObject({
  project_id: projectIdSchema,
  stage: stageKeySchema,
  operation_id: operationIdSchema.optional(),
});

export const artifacts = router({
  listByProject: procedure
    .input(z.object({ project_id: projectIdSchema, stage: stageKeySchema.optional(), ...listFields() }))
    .output(pageSchema(artifactSchema))
    .query(async ({ ctx, input }) => {
      const project = await ctx.repository.get(input.project_id);
      const list = `artifacts of ${input.stage ?? "all"} in ${input.project_id}`;
      return pageOf(list, await ctx.repository.artifactsOf(project, input.stage), input);
    }),

  listByAgent: procedure
    .input(z.object({ agent_id: agentRefSchema, ...listFields() }))
    .output(pageSchema(artifactSchema))
    .query(({ ctx, input: { agent_id, limit, cursor } }) =>
      listOfAgent(["artifacts", agent_id], agent_id, { limit, cursor }, (id, paging) =>
        ctx.repository.lists.artifactsByAgent(id, paging.limit, paging.cursor),
      ),
    ),

  record: procedure
    .input(
      onStage.extend({
        artifacts: z.array(artifactOrPathSchema).max(10_000),
        mode: artifactModeSchema.default("add"),
      }),
    )
    .mutation(
      async ({ ctx, input: { project_id, stage, artifacts: given, mode } }): Promise<ProjectOutput> =>
        projectOutput(
          await ctx.repository.artifacts.record(project_id, stage, given, mode, askerOf(ctx.principal)),
        ),
    ),

  removeForStage: procedure
    .input(onStage)
    .mutation(
      async ({ ctx, input }): Promise<ProjectOutput> =>
        projectOutput(
          await ctx.repository.artifacts.removeForStage(
            input.project_id,
            input.stage,
            askerOf(ctx.principal),
          ),
        ),
    ),
});
