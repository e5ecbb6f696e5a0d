/** What has to be closed, in the reverse order of its opening. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.add(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Closes all of it, whatever goes wrong on the way; throws what did. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, "not everything could be closed");
  }
}
