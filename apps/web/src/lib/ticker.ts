import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // A page that was empty of clocks for a while has an old time.
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(tick, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

/** Never ticks. */
const still = () => () => undefined;

/** Milliseconds since 1970, once a second; one timer for the whole page. A clock that is not `running` costs nothing. */
export function useNow(running = true): number {
  return useSyncExternalStore(running ? subscribe : still, () => now);
}
