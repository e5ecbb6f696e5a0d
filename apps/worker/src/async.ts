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

/**
 * Resolves after some milliseconds, at once when aborted. Does not keep the process alive. Not Node's own, which makes
 * an error with a stack each time it is woken: a busy worker is woken hundreds of times a second.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal?.addEventListener("abort", done);
  });
}

/** `ms` with up to a fifth of jitter, so that many callers do not act in step. */
export function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}

const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 2000;

/** Milliseconds to wait before what was refused is tried again, for the first time with 0 earlier tries. */
export function retryDelay(tries: number): number {
  return jittered(Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** tries));
}
