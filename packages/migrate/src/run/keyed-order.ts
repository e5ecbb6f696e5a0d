/**
 * Several at a time, but those that have a key in common one after the other, in the order in which they were begun:
 * which of two comes first does not depend on whose reads are answered first.
 */
export class KeyedOrder {
  #read: Promise<unknown> = Promise.resolve();
  /** The last work that has each key. */
  readonly #last = new Map<string, Promise<void>>();

  /** `read` brings what says the keys, one call after the other. A failure fails what waits for it too. */
  async run<T>(
    read: () => Promise<T>,
    keysOf: (found: T) => readonly string[],
    work: (found: T) => Promise<void>,
  ): Promise<void> {
    const begun = this.#read.then(async () => {
      const found = await read();
      const keys = keysOf(found);
      const working = Promise.all(keys.map((key) => this.#last.get(key))).then(() => work(found));
      for (const key of keys) this.#last.set(key, working);
      return { keys, working };
    });
    this.#read = begun.catch(() => undefined);
    const { keys, working } = await begun;
    try {
      await working;
    } finally {
      for (const key of keys) if (this.#last.get(key) === working) this.#last.delete(key);
    }
  }
}
