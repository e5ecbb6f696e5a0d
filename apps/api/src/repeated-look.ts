import { setTimeout as sleep } from "node:timers/promises";

/** Looks again and again, one look at a time: as late as the last look said, and at once when it is woken. */
export class RepeatedLook {
  readonly #look: () => Promise<number>;
  #pause = new AbortController();
  #isClosed = false;
  #run: Promise<void> = Promise.resolve();

  /** @param look handles its errors; resolves to the milliseconds until the next look */
  constructor(look: () => Promise<number>) {
    this.#look = look;
  }

  start(): void {
    this.#run = this.#repeat();
  }

  /** Looks at once; when it looks already, once more after that. */
  wake(): void {
    this.#pause.abort();
  }

  /** Resolves when the last look has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#run;
  }

  async #repeat(): Promise<void> {
    while (!this.#isClosed) {
      // Made before the look: what wakes it meanwhile may be too late for it.
      this.#pause = new AbortController();
      const waitMs = await this.#look();
      // Rejects when it is woken, and for nothing else.
      if (!this.#isClosed)
        await sleep(waitMs, undefined, { ref: false, signal: this.#pause.signal }).catch(() => undefined);
    }
  }
}
