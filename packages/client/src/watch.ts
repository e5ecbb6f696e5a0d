import { createParser, type EventSourceMessage } from "eventsource-parser";
import {
  ConnectionError,
  errorFrom,
  isRecord,
  notTheApi,
  refusalIn,
  StagefoldClientError,
} from "./errors.ts";
import type { WatchOptions } from "./options.ts";
import type { Transport } from "./transport.ts";

/** The pause before the first attempt to reconnect, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;
/** Silence after which a connection counts as lost, unless the server names another. Milliseconds. */
const MAX_SILENCE_MS = 30_000;
/** These say what changes and begin with nothing: who lost a connection before any event came has no place to resume from. */
const ONLY_CHANGES = ["projects.watchList", "projects.watchMany"];
/** An id of no event, which such a watch answers with `reset`. */
const NO_EVENT = "none";

/**
 * The events of a subscription over as many connections as it takes: each resumes after the last event that came.
 * A refusal is thrown, and so is what keeps the first connection from being made; a connection that is lost later is
 * made again. Pauses between attempts double. What shortens them again is a connection that has worked: one that
 * brought an event and lasted longer than the pause before it, so that a server which accepts connections and drops
 * them is not asked more and more often. Aborting the signal or leaving the loop closes everything.
 */
export async function* watch(
  transport: Transport,
  path: string,
  request: object,
  options: WatchOptions = {},
): AsyncGenerator<unknown, void> {
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  let input = request;
  let connected = false;
  let everConnected = options.patient === true;
  let failures = 0;
  let pauseMs = 0;
  const onOpen = () => {
    connected = true;
    everConnected = true;
    options.onConnection?.("connected");
  };
  try {
    while (!signal.aborted) {
      let reason: unknown;
      let hasWorked = false;
      const since = performance.now();
      try {
        for await (const event of connection(transport, path, input, signal, onOpen)) {
          hasWorked = true;
          input = { ...request, lastEventId: event.id };
          yield event.data;
        }
        reason = new ConnectionError(
          transport.url,
          `The Stagefold API at ${transport.url} ended the stream.`,
        );
      } catch (error) {
        reason = error;
      }
      if (signal.aborted) return;
      if (!mayPass(reason) || !everConnected) throw reason;
      // Once for each connection that was lost, not for each attempt to get another.
      if (connected) options.onConnection?.("lost", reason instanceof Error ? reason : undefined);
      if (connected && ONLY_CHANGES.includes(path)) input = { lastEventId: NO_EVENT, ...input };
      connected = false;
      failures = hasWorked && performance.now() - since > pauseMs ? 0 : failures + 1;
      pauseMs = pauseAfter(failures, reason);
      await pause(pauseMs, signal);
    }
  } finally {
    ending.abort();
  }
}

/** One event of a stream, with the id that the next connection resumes from. */
interface Tracked {
  readonly id: string;
  readonly data: unknown;
}

/**
 * The events of one connection. Ends when the server ends it; throws when it breaks, falls silent or is refused.
 * Leaving the loop closes it.
 */
async function* connection(
  transport: Transport,
  path: string,
  input: object,
  signal: AbortSignal,
  onOpen: () => void,
): AsyncGenerator<Tracked, void> {
  const closing = new AbortController();
  const body = await transport.open(path, input, AbortSignal.any([signal, closing.signal]));
  onOpen();
  let maxSilenceMs = MAX_SILENCE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(timer);
    const silent = `The Stagefold API at ${transport.url} sent nothing for ${maxSilenceMs / 1000} s.`;
    timer = setTimeout(() => closing.abort(new ConnectionError(transport.url, silent)), maxSilenceMs);
  };
  try {
    listen();
    for await (const message of messages(body, listen)) {
      if (message.event === "connected") {
        maxSilenceMs = silenceIn(json(message.data, transport)) ?? maxSilenceMs;
        listen();
      } else if (message.event === "serialized-error")
        throw refusalFrom(json(message.data, transport), transport);
      else if (message.event === undefined && message.id !== undefined)
        yield { id: message.id, data: json(message.data, transport) };
    }
  } catch (error) {
    throw closing.signal.aborted ? closing.signal.reason : errorFrom(error, transport.url);
  } finally {
    clearTimeout(timer);
    closing.abort();
  }
}

async function* messages(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<EventSourceMessage, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parsed: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => parsed.push(message) });
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    onBytes();
    parser.feed(decoder.decode(part.value, { stream: true }));
    yield* parsed.splice(0);
  }
}

function json(text: string, { url }: Transport): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notTheApi(url, error);
  }
}

function silenceIn(connected: unknown): number | undefined {
  const ms = isRecord(connected) ? connected.reconnectAfterInactivityMs : undefined;
  return typeof ms === "number" && ms > 0 ? ms : undefined;
}

function refusalFrom(error: unknown, { url }: Transport): Error {
  return refusalIn(error) ?? notTheApi(url, "an error of no known code");
}

/** Whether trying again can help. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof StagefoldClientError)) return true;
  return error.code === "STORE_UNAVAILABLE" || error.code === "RATE_LIMITED" || error.code === "INTERNAL";
}

/** Spread, so that not all clients of a server come back at once; not before the server says. Milliseconds. */
export function pauseAfter(failures: number, reason: unknown): number {
  const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  const spread = longest * (0.5 + Math.random() / 2);
  const data = reason instanceof StagefoldClientError ? reason.data : {};
  return "retry_after" in data && data.retry_after !== undefined
    ? Math.max(spread, Number(data.retry_after) * 1000)
    : spread;
}

/** Resolves after that time, or when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
