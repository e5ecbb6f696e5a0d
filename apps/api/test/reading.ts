import { setTimeout as sleep } from "node:timers/promises";
import { until as untilAnswered } from "../../../tooling/vitest/until.ts";

/** Reads a stream one value at a time, and says when the next does not come in time. */
export class Reading<T> {
  readonly #values: AsyncIterator<T>;
  readonly #abort = new AbortController();

  constructor(open: (signal: AbortSignal) => AsyncIterable<T>) {
    this.#values = open(this.#abort.signal)[Symbol.asyncIterator]();
  }

  async next(withinMs = 20_000): Promise<T> {
    const late = sleep(withinMs, "late" as const, { ref: false });
    const result = await Promise.race([this.#values.next(), late]);
    if (result === "late") throw new Error(`expected a value within ${withinMs} ms`);
    if (result.done) throw new Error("expected a value, the stream ended");
    return result.value;
  }

  /** As a client does that goes away while it waits. */
  async stop(): Promise<void> {
    this.#abort.abort();
    for (;;) if ((await this.#values.next()).done) return;
  }
}

/** Waits until something is so. Where it never is, its text says what was expected. */
export const until = (isSo: () => boolean): Promise<boolean> => untilAnswered(String(isSo), isSo);
