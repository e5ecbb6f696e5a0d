import { EXIT } from "../exit.ts";

/** What asks a program that serves to end: Ctrl-C, a supervisor, the end of the terminal. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Signals that this process gets from now on. */
export class Signals {
  /** Resolves with the first. */
  readonly first: Promise<void>;
  #count = 0;
  #second: (() => void) | undefined;

  constructor() {
    this.first = new Promise((resolve) => {
      for (const signal of SIGNALS)
        process.on(signal, () => {
          this.#count += 1;
          if (this.#count === 1) resolve();
          // While everything is still being started; what was started notices the end of this process.
          else if (this.#second) this.#second();
          else process.exit(EXIT.interrupted);
        });
    });
  }

  /** Called with every further one, at once when it has come already. */
  onSecond(listener: () => void): void {
    this.#second = listener;
    if (this.#count > 1) listener();
  }
}
