import { StagefoldClientError } from "../../errors.ts";
import { errorFrom, isRecord } from "../error-from.ts";
import type { PathOfKind } from "../router-types.ts";
import type { Transport } from "../transport.ts";
import { Buffer } from "./buffer.ts";

/** One event of a stream, with the id that the next connection goes on from. */
export interface Tracked {
  readonly id: string;
  readonly data: unknown;
}

export interface StreamRequest {
  readonly path: PathOfKind<"subscription">;
  readonly input: object;
  readonly signal: AbortSignal;
  /** Called when the server has taken the stream up. */
  readonly onOpen: () => void;
  /** Which events are states of the same thing. */
  readonly keyOf: (data: unknown) => string;
}

/**
 * The events of one connection. Ends when the server or the signal ends it; throws when it breaks, a
 * StagefoldClientError if the server said why. Leaving the loop closes the connection.
 */
export async function* stream(transport: Transport, request: StreamRequest): AsyncGenerator<Tracked, void> {
  const events = new Buffer<Tracked>((event) => request.keyOf(event.data));
  const fail = (error: unknown) => events.end(errorFrom(error, transport.url));
  const subscription = transport.trpc.subscription(request.path, request.input, {
    onStarted: request.onOpen,
    onData: (event: unknown) => (isTracked(event) ? events.push(event) : undefined),
    onError: fail,
    onComplete: () => events.end(),
    // An EventSource would try again by itself, after a pause that nobody chose and without a limit.
    onConnectionStateChange: (state) => state.error && fail(state.error),
  });
  const close = () => {
    subscription.unsubscribe();
    events.end();
  };
  request.signal.addEventListener("abort", close, { once: true });
  try {
    if (!request.signal.aborted) yield* events;
  } finally {
    request.signal.removeEventListener("abort", close);
    close();
  }
}

function isTracked(event: unknown): event is Tracked {
  return isRecord(event) && typeof event.id === "string" && "data" in event;
}

/** Whether trying again can help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof StagefoldClientError)) return true;
  return error.code === "STORE_UNAVAILABLE" || error.code === "RATE_LIMITED" || error.code === "INTERNAL";
}
