import { EXIT } from "../exit.ts";

/** What asks a program that serves to end: Ctrl-C, a supervisor, the end of the terminal. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Signals that this process gets from now on, until it is disposed of. */
export class Signals implements Disposable {
  readonly #ending = new AbortController();
  #second: (() => void) | undefined;
  readonly #listener = () => {
    if (!this.#ending.signal.aborted) this.#ending.abort();
    // Nothing was started yet: what was notices the end of this process.
    else if (this.#second) this.#second();
    else process.exit(EXIT.interrupted);
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  /** Aborted by the first. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Resolves with the first. */
  async first(): Promise<void> {
    if (this.ending.aborted) return;
    await new Promise((resolve) => this.ending.addEventListener("abort", resolve, { once: true }));
  }

  /** Called with every further one. */
  onSecond(listener: () => void): void {
    this.#second = listener;
  }
}
