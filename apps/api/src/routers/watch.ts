import {
  agentRefSchema,
  givenTimeSchema,
  invocationIdSchema,
  projectIdSchema,
  projectStatusSchema,
  sessionIdSchema,
  stageKeySchema,
  textSchema,
  userIdSchema,
} from "@stagefold/core";
import { type TrackedEnvelope, tracked } from "@trpc/server";
import { z } from "zod";
import { type LogChange, watchLog } from "../logs.ts";
import { type ProjectOutput, projectOutput } from "../outputs.ts";
import { procedure } from "../trpc.ts";
import { eventIdOf, type ListChange } from "../watch/index.ts";
import { type ManyChange, watchMany as watchManyOf } from "../watch/watch-many.ts";

/** Sent back by a client that reconnects; one that means nothing here is as good as none. */
const lastEventId = z.string().max(2000).optional();

/** Which projects a list has. */
export const filterSchema = z.object({
  user_id: userIdSchema.optional(),
  status: projectStatusSchema.optional(),
  pipeline: textSchema(64, 1).optional(),
  agent_id: agentRefSchema.optional(),
  tag: textSchema(64, 1).optional(),
  text: textSchema(200, 1).optional(),
});

/** What lists find besides, and no change of a summary tells. */
export const listFilterSchema = filterSchema.extend({
  since: givenTimeSchema.optional(),
  until: givenTimeSchema.optional(),
  /** A note of some stage (`ctx.note`): its name, or `name=value`, where the value is JSON or a text. */
  note: textSchema(2000, 1).optional(),
});

/** Projects that one stream may follow as a whole. */
const MAX_WATCHED = 50;

/** Logs that one stream may follow. */
const MAX_LOGS = 8;

const logRef = z.object({
  project_id: projectIdSchema,
  stage: stageKeySchema,
  attempt: z.number().int().min(1).optional(),
  /** Where `stages.logs`, or an earlier event, has ended; the beginning without one. */
  cursor: z.string().min(1).max(500).optional(),
});

/** The inputs of the subscriptions. HTTP refuses one that is not valid before there is a stream. */
export const WATCH_INPUTS = {
  "projects.watch": z.object({ project_id: projectIdSchema, lastEventId }),
  "projects.watchList": filterSchema.extend({ lastEventId }).prefault({}),
  "projects.watchMany": z
    .object({
      project_ids: z.array(projectIdSchema).max(MAX_WATCHED).default([]),
      logs: z.array(logRef).max(MAX_LOGS).default([]),
      lastEventId,
    })
    .prefault({}),
  "stages.watchLogs": logRef.extend({ lastEventId }),
  "turns.watch": z.object({
    session_id: sessionIdSchema,
    turn: z.number().int().min(1).max(9_999_999_999).optional(),
    lastEventId,
  }),
  "invocations.watch": z.object({ invocation_id: invocationIdSchema, lastEventId }),
} as const;

/**
 * The project at once, then every later revision. The event's id names the revision. Over HTTP the same is written by
 * `http/sse`.
 */
export const watch = procedure.input(WATCH_INPUTS["projects.watch"]).subscription(async function* ({
  ctx,
  input,
  signal,
}): AsyncGenerator<TrackedEnvelope<ProjectOutput>, void, undefined> {
  const { project_id, lastEventId: after } = input;
  for await (const project of ctx.watch.projects.watch(project_id, { after, signal }))
    yield tracked(eventIdOf(project), projectOutput(project));
});

/**
 * Changes of a filtered list, from now on, or from the last one seen. `reset` says that changes may have been missed:
 * the list is to be read again.
 */
export const watchList = procedure.input(WATCH_INPUTS["projects.watchList"]).subscription(async function* ({
  ctx,
  input,
  signal,
}): AsyncGenerator<TrackedEnvelope<ListChange>, void, undefined> {
  const { lastEventId: after, ...filter } = input;
  for await (const { id, change } of ctx.watch.list.watch(filter, { after, signal }))
    yield tracked(id, change);
});

/**
 * The lines of one attempt's log: those that are there at once, later ones as they are acknowledged. The event's id
 * names where the next begin. The last event says that the log is `over`.
 */
export const watchLogs = procedure.input(WATCH_INPUTS["stages.watchLogs"]).subscription(async function* ({
  ctx,
  input,
  signal,
}): AsyncGenerator<TrackedEnvelope<LogChange>, void, undefined> {
  const { lastEventId: after, ...ref } = input;
  for await (const change of watchLog(ctx, { ...ref, cursor: after ?? ref.cursor }, signal))
    yield tracked(change.cursor, change);
});

/** `ManyChange`, with the project by its name. */
type ManyOutput = Exclude<ManyChange, { kind: "project" }> | { kind: "project"; project: ProjectOutput };

/**
 * The changes of the whole list and, of the projects named, everything, and the lines of the logs named: what a page
 * with several views needs, in one stream. Each project comes at once, and again when the client reconnects; a log
 * continues after the last line that came.
 */
export const watchMany = procedure.input(WATCH_INPUTS["projects.watchMany"]).subscription(async function* ({
  ctx,
  input,
  signal,
}): AsyncGenerator<TrackedEnvelope<ManyOutput>, void, undefined> {
  const ids = [...new Set(input.project_ids)];
  for await (const { id, change } of watchManyOf(
    ctx,
    { projectIds: ids, logs: input.logs },
    { after: input.lastEventId, signal },
  ))
    yield tracked<ManyOutput>(
      id,
      change.kind === "project" ? { ...change, project: projectOutput(change.project) } : change,
    );
});
