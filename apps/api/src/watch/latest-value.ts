/**
 * Hands values from one who has them to one reader. A value that was not read yet is merged with the next, so that a
 * slow reader costs no more memory than a fast one.
 */
export class LatestValue<T> {
  readonly #merge: (waiting: T, next: T) => T;
  #waiting: { value: T } | undefined;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(merge: (waiting: T, next: T) => T = (_waiting, next) => next) {
    this.#merge = merge;
  }

  put(value: T): void {
    this.#waiting = { value: this.#waiting ? this.#merge(this.#waiting.value, value) : value };
    this.#wake?.();
  }

  /** The reader gets this error once it has read what waits. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** The next value, or undefined when the signal ended the wait. */
  async take(signal: AbortSignal | undefined): Promise<T | undefined> {
    for (;;) {
      if (signal?.aborted) return undefined;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) return waiting.value;
      if (this.#failure) throw this.#failure.error;
      await this.#woken(signal);
    }
  }

  #woken(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
