import { once } from "node:events";
import { isTrackedEnvelope } from "@trpc/server";
import type { Response } from "express";
import type { Logger } from "pino";
import { logError, problemOf } from "../send-error.ts";
import type { KeepAlive } from "../sse/keep-alive.ts";

interface EventsOptions {
  /** Calls the subscription. */
  readonly call: () => Promise<unknown>;
  /** The first event comes at once, so that a refusal is an answer and no stream. */
  readonly first: boolean;
  readonly keepAlive: KeepAlive;
  readonly log: Logger | undefined;
}

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Answers with the events of a subscription: `data` is JSON, `id` is what a reader comes back with. */
export async function sendEvents(
  res: Response,
  { call, first, keepAlive, log }: EventsOptions,
): Promise<void> {
  const events = iteratorOf(await call());
  try {
    const beginning = first ? await events.next() : undefined;
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    res.flushHeaders();
    // Not where bytes wait already: a reader that takes nothing is to be found out.
    const noPings = keepAlive.add({ ping: () => void (res.writableNeedDrain || res.write(": ping\n\n")) });
    res.once("close", noPings);
    try {
      for (let next = beginning ?? (await events.next()); !next.done; next = await events.next()) {
        if (res.closed) return;
        if (!res.write(eventOf(next.value))) await Promise.race([once(res, "drain"), once(res, "close")]);
      }
    } catch (error) {
      if (res.closed) return;
      logError(log, error, { while: "streaming" });
      // The last event says what went wrong.
      res.write(`event: problem\ndata: ${JSON.stringify(problemOf(error))}\n\n`);
    }
    res.end();
  } finally {
    await events.return?.();
  }
}

function iteratorOf(result: unknown): AsyncIterator<unknown> {
  const make: unknown = Reflect.get(Object(result), Symbol.asyncIterator);
  if (typeof make !== "function") throw new Error("expected a stream of events");
  return make.call(result);
}

function eventOf(value: unknown): string {
  if (!isTrackedEnvelope(value)) throw new Error("expected an event with an id");
  const [id, data] = value;
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
