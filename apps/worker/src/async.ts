import { setTimeout as delay } from "node:timers/promises";

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/** A promise that is resolved from outside, the first time counts. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves after some milliseconds, at once when aborted. Does not keep the process alive. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { ref: false, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** `ms` give or take a fifth, so that many do not act in step. */
export function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}
