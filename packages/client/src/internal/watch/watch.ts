import { ConnectionError } from "../../errors.ts";
import type { WatchOptions } from "../../options.ts";
import type { Transport } from "../transport.ts";
import { isPassing, type StreamRequest, stream, type Tracked } from "./stream.ts";

/** The pause before the first attempt to reconnect, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

export interface WatchRequest extends Pick<StreamRequest, "path" | "keyOf"> {
  readonly input: { readonly lastEventId?: string | undefined };
  /** Asks for what is watched. An EventSource does not tell why it was refused: this does, by being refused too. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * The events of a subscription over as many connections as it takes: each goes on after the last event that came, so
 * that none is missed and none comes twice. What keeps the first connection from being made is thrown, as is every
 * refusal; whatever is lost later is connected again. Aborting the signal or leaving the loop closes everything.
 */
export async function* watch(
  transport: Transport,
  request: WatchRequest,
  options: WatchOptions = {},
): AsyncGenerator<unknown, void> {
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  try {
    for await (const event of connections(transport, request, signal, options)) yield event.data;
  } finally {
    ending.abort();
  }
}

async function* connections(
  transport: Transport,
  request: WatchRequest,
  signal: AbortSignal,
  options: WatchOptions,
): AsyncGenerator<Tracked, void> {
  let { lastEventId } = request.input;
  let everOpen = false;
  let open = false;
  let failures = 0;
  const onOpen = () => {
    everOpen = true;
    open = true;
    failures = 0;
    options.onConnection?.("connected");
  };
  while (!signal.aborted) {
    const input = lastEventId === undefined ? request.input : { ...request.input, lastEventId };
    let reason: unknown = new ConnectionError(
      transport.url,
      `The Stagefold API at ${transport.url} ended the stream.`,
    );
    try {
      for await (const event of stream(transport, { ...request, input, signal, onOpen })) {
        if (event.id === lastEventId) continue;
        lastEventId = event.id;
        yield event;
      }
    } catch (error) {
      reason = error;
    }
    if (signal.aborted) return;
    if (!isPassing(reason)) throw reason;
    await explain(request, signal, everOpen);
    // Once for each connection that was lost, not for each attempt to get another.
    if (open) options.onConnection?.("lost", reason instanceof Error ? reason : undefined);
    open = false;
    await pause(failures++, signal);
  }
}

/** Throws the refusal behind a broken connection; before there ever was one, also that nothing answers. */
async function explain(request: WatchRequest, signal: AbortSignal, everOpen: boolean): Promise<void> {
  try {
    await request.probe(signal);
  } catch (error) {
    if (signal.aborted) return;
    if (!everOpen || !isPassing(error)) throw error;
  }
}

/** Doubles with each failure in a row; spread, so that not all clients of a server come back at once. */
function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  const ms = longest * (0.5 + Math.random() / 2);
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
