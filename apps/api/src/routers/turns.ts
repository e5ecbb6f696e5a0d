import {
  AGENT_LIMITS,
  agentIdOf,
  agentRefSchema,
  cursorsOf,
  givenTimeSchema,
  invocationIdSchema,
  type Page,
  sessionIdSchema,
  type Turn,
  textSchema,
  turnNotFound,
  turnStatusSchema,
} from "@stagefold/core";
import { type TrackedEnvelope, tracked } from "@trpc/server";
import { z } from "zod";
import { filesInputSchema } from "../agents/files.ts";
import { askerOf } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { listFields } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import {
  type TurnEventOutput,
  type TurnOutput,
  turnEventOutput,
  turnOutput,
  turnPageSchema,
} from "./agent-outputs.ts";
import { callerOf, callerSchema } from "./caller.ts";
import { WATCH_INPUTS } from "./watch.ts";

const turnNumber = z.number().int().min(1).max(9_999_999_999);
const onTurn = z.strictObject({ session_id: sessionIdSchema, turn: turnNumber });
const placeSchema = z.object({ before: turnNumber });
/** `given`: so many messages of the turn that comes first were on the page before. */
const messagePlaceSchema = z.object({ before: turnNumber, given: z.number().int().min(0).max(1) });

/** A question was taken. `again`: it had been before. */
export interface Sent {
  session_id: string;
  turn: number;
  again: boolean;
}

export const turns = router({
  /** Answers after the one write that takes the question; `turns.watch` has the answer. */
  send: procedure
    .input(
      z.strictObject({
        session_id: sessionIdSchema,
        text: textSchema(AGENT_LIMITS.question, 1),
        files: filesInputSchema.optional(),
        message_key: textSchema(256, 1).optional(),
        /** The last turn that the asker knows; another one is in between: SESSION_CONFLICT. */
        after_turn: z.number().int().min(0).optional(),
        caller: callerSchema,
      }),
    )
    .mutation(async ({ ctx, input }): Promise<Sent> => {
      const { session_id, text, files = [], message_key: key } = input;
      const caller = callerOf(ctx.principal, input.caller);
      const options = { afterTurn: input.after_turn, asker: askerOf(ctx.principal) };
      const { turn, again } = await ctx.turns.send(
        session_id,
        { text, files, key, caller, traceparent: ctx.traceparent },
        options,
      );
      return { session_id, turn: turn.turn ?? 0, again };
    }),

  /** The newest first, the one that runs among them. `before`: those with a smaller number. */
  list: procedure
    .input(z.strictObject({ session_id: sessionIdSchema, before: turnNumber.optional(), ...listFields(50) }))
    .query(async ({ ctx, input: { session_id, limit, cursor, ...input } }): Promise<Page<TurnOutput>> => {
      const cursors = await cursorsOf(["turns", session_id], placeSchema);
      const { before } = cursor === undefined ? input : cursors.decode(cursor);
      const page = await ctx.agentRecords.turns.list(session_id, { before, limit });
      return {
        items: page.turns.map(turnOutput),
        next_cursor: page.before === undefined ? null : cursors.encode({ before: page.before }),
      };
    }),

  get: procedure
    .input(onTurn)
    .query(async ({ ctx, input }): Promise<TurnOutput> => turnOutput(await ctx.turns.get(input))),

  /** Its text so far is kept. One that is over stays as it is. */
  stop: procedure
    .input(onTurn)
    .mutation(
      async ({ ctx, input }): Promise<TurnOutput> =>
        turnOutput(await ctx.turns.stop(input, askerOf(ctx.principal))),
    ),

  /** The same question once more, as a new turn with `retry_of`. */
  retry: procedure
    .input(onTurn.extend({ message_key: textSchema(256, 1).optional(), caller: callerSchema }))
    .mutation(async ({ ctx, input }): Promise<Sent> => {
      const { session_id, turn: number, message_key: key } = input;
      const caller = callerOf(ctx.principal, input.caller);
      const again = { key, caller, retry_of: number, traceparent: ctx.traceparent };
      const begun = await ctx.turns.repeat({ session_id, turn: number }, again, askerOf(ctx.principal));
      return { session_id, turn: begun.turn.turn ?? 0, again: begun.again };
    }),

  /** `turn` with what there is, then what follows, until `end`. Left out: the session's open turn, or its last. */
  watch: procedure.input(WATCH_INPUTS["turns.watch"]).subscription(async function* ({
    ctx,
    input: { session_id, turn },
    signal,
  }): AsyncGenerator<TrackedEnvelope<TurnEventOutput>, void, undefined> {
    const number = turn ?? (await ctx.agentRecords.sessions.get(session_id)).turns;
    if (number === 0) throw turnNotFound({ session_id, turn: 1 });
    yield* tracking(ctx, { session_id, turn: number }, signal);
  }),
});

/** Turns as messages, two each, for readers that know no turns. */
export const messages = router({
  list: procedure
    .input(z.strictObject({ session_id: sessionIdSchema, ...listFields(50) }))
    .query(async ({ ctx, input: { session_id, limit, cursor } }): Promise<Page<MessageOutput>> => {
      const cursors = await cursorsOf(["messages", session_id], messagePlaceSchema);
      const place = cursor === undefined ? { before: undefined, given: 0 } : cursors.decode(cursor);
      const { before, given } = place;
      const page = await ctx.agentRecords.turns.list(session_id, {
        before,
        limit: Math.ceil((given + limit) / 2),
      });
      const messages = page.turns.flatMap(messagesOf).slice(given);
      const items = messages.slice(0, limit);
      const last = items.at(-1);
      const next =
        last && items.length < messages.length
          ? { before: last.turn + 1, given: 1 }
          : page.before !== undefined && { before: page.before, given: 0 };
      return { items, next_cursor: next ? cursors.encode(next) : null };
    }),
});

export const invocations = router({
  /** The calls of an agent, in sessions and without, the newest first. */
  list: procedure
    .input(
      z.strictObject({
        agent_id: agentRefSchema,
        status: turnStatusSchema.optional(),
        since: givenTimeSchema.optional(),
        until: givenTimeSchema.optional(),
        ...listFields(),
      }),
    )
    .output(turnPageSchema)
    .query(async ({ ctx, input: { agent_id, limit, cursor, ...filter } }) =>
      ctx.agentRecords.lists.turns(await agentIdOf(agent_id), filter, limit, cursor),
    ),

  get: procedure
    .input(z.strictObject({ invocation_id: invocationIdSchema }))
    .query(async ({ ctx, input }): Promise<TurnOutput> => turnOutput(await ctx.turns.get(input))),

  stop: procedure
    .input(z.strictObject({ invocation_id: invocationIdSchema }))
    .mutation(
      async ({ ctx, input }): Promise<TurnOutput> =>
        turnOutput(await ctx.turns.stop(input, askerOf(ctx.principal))),
    ),

  watch: procedure.input(WATCH_INPUTS["invocations.watch"]).subscription(async function* ({
    ctx,
    input: { invocation_id },
    signal,
  }): AsyncGenerator<TrackedEnvelope<TurnEventOutput>, void, undefined> {
    yield* tracking(ctx, { invocation_id }, signal);
  }),
});

/** A reader that reconnects gets the turn as it is now: the number of an event only makes it one of this stream. */
async function* tracking(
  ctx: Context,
  target: Parameters<Context["turns"]["watch"]>[0],
  signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<TurnEventOutput>, void, undefined> {
  let count = 0;
  for await (const event of ctx.turns.watch(target, signal)) {
    count += 1;
    yield tracked(String(count), turnEventOutput(event));
  }
}

export interface MessageOutput {
  message_id: string;
  session_id: string;
  turn: number;
  role: "assistant" | "user";
  content: string;
  status: Turn["status"];
  created_at: string;
}

/** The newest first: the answer, then its question. */
function messagesOf(turn: Turn): MessageOutput[] {
  const { session_id = "", turn: number = 0, status, started_at, ended_at } = turn;
  const common = { session_id, turn: number, status };
  const content = turn.blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
  const answer: MessageOutput = {
    ...common,
    message_id: `${number}.assistant`,
    role: "assistant",
    content,
    created_at: ended_at ?? started_at,
  };
  const question: MessageOutput = {
    ...common,
    message_id: `${number}.user`,
    role: "user",
    content: turn.user.text,
    created_at: started_at,
  };
  return [answer, question];
}
