import { newOperationId, operationIdSchema, requireOwner, toTime, userIdSchema } from "@stagefold/core";
import { z } from "zod";
import { askerOf, userIdFor, userNameFor } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { listFields, pageSchema } from "../pagination.ts";
import { nextTimes } from "../schedules/next-time.ts";
import {
  buildOf,
  isOfMachine,
  type Schedule,
  scheduleFieldsSchema,
  scheduleIdSchema,
  scheduleSchema,
} from "../schedules/schedules.ts";
import { procedure, router } from "../trpc.ts";
import { createBuild, requireOwnAgent } from "./create-build.ts";
import { resolvePipeline } from "./resolve-pipeline.ts";

const onSchedule = z.strictObject({ schedule_id: scheduleIdSchema });
const NEXT_TIMES = 5;

export const schedules = router({
  create: procedure
    .input(scheduleFieldsSchema.extend({ user_id: userIdSchema.optional() }))
    .output(scheduleSchema)
    .mutation(async ({ ctx, input: { user_id: named, ...fields } }) => {
      const user_id = userIdFor(ctx.principal, named);
      // What no build could be made of is refused now, and not at night.
      resolvePipeline(fields.build, ctx.pipelines);
      const { by: created_by } = askerOf(ctx.principal);
      await requireAgent(ctx, fields.build.agent_id, { user_id, created_by });
      // The schedule itself does not know what its user is called.
      const user_name = fields.build.user_name ?? userNameFor(ctx.principal, user_id);
      const build = { ...fields.build, ...(user_name !== undefined && { user_name }) };
      return await ctx.schedules.create({ ...fields, build }, { user_id, created_by });
    }),

  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(scheduleSchema))
    .query(({ ctx, input }) => ctx.schedules.list(input.limit, input.cursor)),

  /** With its next times. */
  get: procedure
    .input(onSchedule)
    .output(scheduleSchema.extend({ next_times: z.array(z.string()) }))
    .query(async ({ ctx, input }) => {
      const schedule = await ctx.schedules.get(input.schedule_id);
      const { cron, time_zone, next_at } = schedule;
      const now = ctx.repository.clock.now();
      return {
        ...schedule,
        next_times: next_at !== undefined ? nextTimes(cron, time_zone, now, NEXT_TIMES) : [],
      };
    }),

  update: procedure
    .input(onSchedule.extend(updateFields()))
    .output(scheduleSchema)
    .mutation(async ({ ctx, input: { schedule_id, ...fields } }) => {
      if (fields.build) resolvePipeline(fields.build, ctx.pipelines);
      if (fields.build?.agent_id !== undefined)
        await requireAgent(ctx, fields.build.agent_id, await ctx.schedules.get(schedule_id));
      return await ctx.schedules.update(schedule_id, fields, askerOf(ctx.principal));
    }),

  pause: procedure
    .input(onSchedule)
    .output(scheduleSchema)
    .mutation(({ ctx, input }) => ctx.schedules.pause(input.schedule_id, askerOf(ctx.principal))),

  resume: procedure
    .input(onSchedule)
    .output(scheduleSchema)
    .mutation(({ ctx, input }) => ctx.schedules.resume(input.schedule_id, askerOf(ctx.principal))),

  /** Starts a build now, besides those of its times. The same operation starts one. */
  run: procedure
    .input(onSchedule.extend({ operation_id: operationIdSchema.optional() }))
    .output(scheduleSchema)
    .mutation(async ({ ctx, input: { schedule_id, operation_id = newOperationId() } }) => {
      const schedule = await ctx.schedules.get(schedule_id);
      requireOwner(schedule, askerOf(ctx.principal), "schedule");
      const key = `${schedule_id}:run:${operation_id}`;
      const { project } = await createBuild(ctx, buildOf(schedule, key));
      const { project_id } = project;
      return await ctx.schedules.ranNow(schedule_id, { at: toTime(ctx.repository.clock.now()), project_id });
    }),

  delete: procedure
    .input(onSchedule)
    .output(onSchedule)
    .mutation(async ({ ctx, input }) => {
      await ctx.schedules.delete(input.schedule_id, askerOf(ctx.principal));
      return input;
    }),
});

/**
 * Errors: FORBIDDEN for an agent that the caller may not change, or that the schedule could not: it acts for its user, with
 * the rights of a member, also where an operator made it.
 */
async function requireAgent(
  ctx: Context,
  agentId: string | undefined,
  schedule: Pick<Schedule, "user_id" | "created_by">,
): Promise<void> {
  if (agentId === undefined) return;
  await requireOwnAgent(ctx, agentId, askerOf(ctx.principal));
  const asSchedule = isOfMachine(schedule, ctx.auth !== undefined) ? {} : { owner: schedule.user_id ?? "" };
  await requireOwnAgent(ctx, agentId, asSchedule);
}

/** Every field may be left out, and then stays: a default would change it. */
function updateFields() {
  const { name, cron, time_zone, build, missed } = scheduleFieldsSchema.shape;
  return {
    name: name.optional(),
    cron: cron.optional(),
    time_zone: time_zone.unwrap().optional(),
    build: build.optional(),
    missed: missed.unwrap().optional(),
  };
}
