/**
 * Between a connection that pushes and a loop that pulls. Every value is a whole state of what its key names: when
 * a slow loop leaves more than `limit` waiting, the oldest of the same key gives way to the newest.
 */
export class Buffer<T> {
  readonly #waiting: T[] = [];
  readonly #keyOf: (value: T) => string;
  readonly #limit: number;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(keyOf: (value: T) => string, limit = 1000) {
    this.#keyOf = keyOf;
    this.#limit = limit;
  }

  push(value: T): void {
    if (this.#end) return;
    if (this.#waiting.length >= this.#limit) this.#dropOlder(this.#keyOf(value));
    this.#waiting.push(value);
    this.#wake?.();
  }

  /** What waits is still given; then the loop ends, with this error if there is one. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    while (true) {
      const value = this.#waiting.shift();
      if (value !== undefined) yield value;
      else if (!this.#end) await this.#change();
      else if ("error" in this.#end) throw this.#end.error;
      else return;
    }
  }

  #dropOlder(key: string): void {
    const older = this.#waiting.findIndex((waiting) => this.#keyOf(waiting) === key);
    if (older >= 0) this.#waiting.splice(older, 1);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
