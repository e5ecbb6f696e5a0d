import { setMaxListeners } from "node:events";

/**
 * The values of several streams as they come. Each is asked for its next value only when the last one was taken, so
 * that a slow reader slows them all. Ends when all have ended; when one fails, or the reader leaves, all are ended.
 */
export async function* mergeAsyncIterables<T>(
  sources: readonly ((signal: AbortSignal) => AsyncGenerator<T, void, undefined>)[],
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const ending = new AbortController();
  const both = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  // Every source waits for it, of which there may be many: Node would take more than ten listeners for a leak.
  setMaxListeners(0, both);
  const open = sources.map((source) => source(both));
  const ready: (() => T | undefined)[] = [];
  let left = open.length;
  let wake: () => void = () => undefined;
  // One reaction for each value: racing the same waiting promises again and again would keep adding to them.
  const ask = (from: AsyncGenerator<T, void, undefined>) => {
    from.next().then(
      (result) => {
        if (result.done) left -= 1;
        else
          ready.push(() => {
            ask(from);
            return result.value;
          });
        wake();
      },
      (error: unknown) => {
        ready.push(() => {
          throw error;
        });
        wake();
      },
    );
  };
  try {
    for (const from of open) ask(from);
    for (;;) {
      for (let take = ready.shift(); take; take = ready.shift()) {
        const value = take();
        if (value !== undefined) yield value;
      }
      if (left === 0) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ready.length > 0 || left === 0) resolve();
      });
    }
  } finally {
    ending.abort();
    // One whose value was not taken waits where the signal does not reach it. An error of its end is not asked for.
    for (const from of open) from.return().catch(() => undefined);
  }
}
