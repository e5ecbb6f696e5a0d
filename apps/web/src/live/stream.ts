import type { Client } from "../lib/trpc.ts";
import type { LiveEvent, Tracked } from "./events.ts";
import { until } from "./interest.ts";

/** The pause before the first attempt to connect again, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

/**
 * Follows the list and these projects until the signal: connects, connects again when the connection breaks, and says
 * how it stands. The list goes on after the last event that came; projects come as they are.
 */
export async function followServer(
  client: Client,
  projectIds: readonly string[],
  signal: AbortSignal,
  tell: (event: LiveEvent) => void,
): Promise<void> {
  let lastEventId: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const input = { project_ids: [...projectIds], ...(lastEventId !== undefined && { lastEventId }) };
    await connection(client, input, signal, {
      onOpen: () => {
        failures = 0;
        tell({ kind: "connection", connection: "online" });
      },
      onEvent: ({ id, data }) => {
        lastEventId = id;
        tell({ kind: "change", change: data });
      },
    });
    if (signal.aborted) return;
    tell({ kind: "connection", connection: "lost" });
    await pause(failures++, signal);
  }
}

/** One connection, from its beginning to its end. */
async function connection(
  client: Client,
  input: { project_ids: string[]; lastEventId?: string },
  signal: AbortSignal,
  { onOpen, onEvent }: { onOpen: () => void; onEvent: (event: Tracked) => void },
): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  const subscription = client.projects.watchMany.subscribe(input, {
    onStarted: onOpen,
    onData: onEvent,
    onError: end,
    onComplete: end,
    // An EventSource would try again by itself, after a pause that nobody chose.
    onConnectionStateChange: (state) => state.error && end(),
  });
  await until(AbortSignal.any([signal, over.signal]));
  subscription.unsubscribe();
}

/** Doubles with each failure in a row; spread, so that not all browsers come back at once. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  await until(AbortSignal.any([signal, AbortSignal.timeout(longest * (0.5 + Math.random() / 2))]));
}
