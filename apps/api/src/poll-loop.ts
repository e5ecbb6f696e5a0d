import { setTimeout as sleep } from "node:timers/promises";

/** Polls again and again, one poll at a time: when the last one said, and at once when it is woken. */
export class PollLoop {
  readonly #poll: () => Promise<number>;
  #pause = new AbortController();
  #isClosed = false;
  #run: Promise<void> = Promise.resolve();

  /** @param poll handles its errors; resolves to the milliseconds until the next one */
  constructor(poll: () => Promise<number>) {
    this.#poll = poll;
  }

  start(): void {
    this.#run = this.#repeat();
  }

  /** Polls at once; while it polls, once more after that. */
  wake(): void {
    this.#pause.abort();
  }

  /** Resolves when the last poll has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#run;
  }

  async #repeat(): Promise<void> {
    while (!this.#isClosed) {
      // Made before the poll: what wakes it meanwhile may be too late for it.
      this.#pause = new AbortController();
      const waitMs = await this.#poll();
      // Rejects when it is woken, and for nothing else.
      if (!this.#isClosed)
        await sleep(waitMs, undefined, { ref: false, signal: this.#pause.signal }).catch(() => undefined);
    }
  }
}
