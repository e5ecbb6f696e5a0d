import {
  attemptsOf,
  findStage,
  type HistoryEntry,
  modelCallSchema,
  type Page,
  type Project,
  projectIdSchema,
  readHistory,
  readModelCalls,
  type Stage,
  stageKeySchema,
  textSchema,
} from "@stagefold/core";
import { z } from "zod";
import type { Context } from "../context.ts";
import { loggedLineSchema, logPage } from "../logs.ts";
import type { StageOutput } from "../outputs.ts";
import { listFields, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { watchLogs } from "./watch.ts";

/** Lines of a log are short, and there may be millions. */
const MAX_LINES = 1000;
/** A call has its whole question and answer. */
const MAX_CALLS = 50;

const onStage = z.object({ project_id: projectIdSchema, stage: stageKeySchema });

export const stages = router({
  list: procedure
    .input(z.object({ project_id: projectIdSchema, ...listFields(64) }))
    .query(async ({ ctx, input }): Promise<Page<StageOutput>> => {
      const project = await ctx.repository.get(input.project_id);
      return pageOf<StageOutput>(`stages of ${project.project_id}`, project.stages_snapshot.stages, input);
    }),

  /** The stage, and all its attempts with the present one last. */
  get: procedure
    .input(onStage)
    .query(async ({ ctx, input }): Promise<StageOutput & { attempts: HistoryEntry[] }> => {
      const project = await ctx.repository.get(input.project_id);
      const { stage } = findStage(project, input.stage);
      return { ...stage, attempts: await wholeHistory(ctx, project, stage) };
    }),

  /**
   * Lines of one attempt, oldest first; with `text` only those that have it. `next_cursor` is null when no more can
   * come. A page of a search may be short before that.
   */
  logs: procedure
    .input(
      onStage.extend({
        attempt: z.number().int().min(1).optional(),
        text: textSchema(200, 1).optional(),
        ...listFields(100, MAX_LINES),
      }),
    )
    .output(pageSchema(loggedLineSchema))
    .query(({ ctx, input }) => logPage(ctx, input)),

  watchLogs,

  /** The calls of a language model that an attempt made, the present one unless said: question, answer, tokens, cost. */
  calls: procedure
    .input(onStage.extend({ attempt: z.number().int().min(1).optional(), ...listFields(20, MAX_CALLS) }))
    .output(pageSchema(modelCallSchema))
    .query(async ({ ctx, input }) => {
      const { project_id } = input;
      const { stage } = findStage(await ctx.repository.get(project_id), input.stage);
      const attempt = input.attempt ?? stage.attempt;
      const calls =
        attempt === 0 ? [] : await readModelCalls({ project_id, stage: stage.stage, attempt }, ctx.artifacts);
      return pageOf(`calls of ${project_id} ${stage.stage} ${attempt}`, calls, input);
    }),
});

async function wholeHistory(ctx: Context, project: Project, stage: Stage): Promise<HistoryEntry[]> {
  const { history_ref } = stage;
  const earlier =
    history_ref === undefined ? [] : await readHistory(project.project_id, history_ref, ctx.artifacts);
  return attemptsOf(stage, [...earlier, ...stage.history]);
}
