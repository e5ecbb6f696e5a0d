import {
  inputSchema,
  limitsSchema,
  operationIdSchema,
  projectIdSchema,
  projectSummarySchema,
  stageKeySchema,
  textSchema,
} from "@stagefold/core";
import { z } from "zod";
import { answerLink, sameAnswer } from "../answer-links/answer-link.ts";
import { askerOf } from "../auth/principal.ts";
import { type CreatedProject, type ProjectOutput, projectOutput } from "../outputs.ts";
import { listFields, listOfAgent, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { bulk, createInput, createMany, createOne } from "./batch.ts";
import { deleteBuild } from "./delete-build.ts";
import { resumeBuild, retryBuild } from "./run-again.ts";
import { listFilterSchema, watch, watchList, watchMany } from "./watch.ts";

const operation = { operation_id: operationIdSchema.optional() };
const onProject = z.strictObject({ project_id: projectIdSchema, ...operation });

export const projectInputSchema = z.object({ input: z.record(z.string(), z.unknown()).nullable() });

export const projects = router({
  create: procedure
    .input(createInput)
    .mutation(({ ctx, input }): Promise<CreatedProject> => createOne(ctx, input)),

  createMany,

  get: procedure
    .input(z.object({ project_id: projectIdSchema }))
    .query(
      async ({ ctx, input }): Promise<ProjectOutput> =>
        projectOutput(await ctx.repository.get(input.project_id)),
    ),

  input: procedure
    .input(z.object({ project_id: projectIdSchema }))
    .output(projectInputSchema)
    .query(async ({ ctx, input }) => {
      const project = await ctx.repository.get(input.project_id);
      return { input: (await ctx.repository.inputOf(project)) ?? null };
    }),

  list: procedure
    .input(listFilterSchema.extend(listFields()).prefault({}))
    .output(pageSchema(projectSummarySchema))
    .query(({ ctx, input: { limit, cursor, ...filter } }) =>
      listOfAgent(["projects", filter], filter.agent_id, { limit, cursor }, (agent_id, paging) =>
        ctx.repository.lists.projects({ ...filter, agent_id }, paging.limit, paging.cursor),
      ),
    ),

  pause: procedure
    .input(onProject)
    .mutation(
      async ({ ctx, input }): Promise<ProjectOutput> =>
        projectOutput(
          await ctx.repository.control.pause(input.project_id, input.operation_id, askerOf(ctx.principal)),
        ),
    ),

  resume: procedure
    .input(onProject)
    .mutation(async ({ ctx, input }): Promise<ProjectOutput> => projectOutput(await resumeBuild(ctx, input))),

  cancel: procedure
    .input(onProject)
    .mutation(
      async ({ ctx, input }): Promise<ProjectOutput> =>
        projectOutput(
          await ctx.repository.control.cancel(input.project_id, input.operation_id, askerOf(ctx.principal)),
        ),
    ),

  retry: procedure
    .input(
      onProject.extend({
        from_stage: stageKeySchema.optional(),
        pipeline: textSchema(64, 1).optional(),
        input: inputSchema.optional(),
        limits: limitsSchema.optional(),
      }),
    )
    .mutation(async ({ ctx, input }): Promise<ProjectOutput> => projectOutput(await retryBuild(ctx, input))),

  answer: procedure
    .input(onProject.extend({ stage: stageKeySchema, value: z.unknown() }))
    .mutation(async ({ ctx, input }): Promise<ProjectOutput> => {
      const { project_id, stage, value } = input;
      const asker = askerOf(ctx.principal);
      const operation_id = input.operation_id ?? sameAnswer(asker.by ?? "", value);
      return projectOutput(
        await ctx.repository.control.answer(project_id, { stage, value }, operation_id, asker),
      );
    }),

  answerLink,

  /** `force`: also where a version of an agent needs its files. That version cannot run any more then. */
  delete: procedure
    .input(onProject.extend({ force: z.boolean().default(false) }))
    .output(z.object({ project_id: projectIdSchema, deleted: z.literal(true) }))
    .mutation(async ({ ctx, input: { project_id, operation_id, force } }) => {
      const remove = () => deleteBuild(ctx, project_id, force);
      if (operation_id === undefined) await remove();
      else await ctx.deleteOperations.run(project_id, operation_id, remove);
      return { project_id, deleted: true as const };
    }),

  bulk,

  watch,
  watchList,
  watchMany,
});
