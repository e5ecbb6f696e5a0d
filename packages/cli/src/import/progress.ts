import type { Cli } from "../cli.ts";

const EVERY_MS = 2000;

/** Says on stderr now and then how far a long run is; nothing with --json. */
export class Progress {
  readonly #cli: Cli;
  #last = performance.now();

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  show(text: string): void {
    const now = performance.now();
    if (this.#cli.json || now - this.#last < EVERY_MS) return;
    this.#last = now;
    this.#cli.terminal.note(`${text} …`);
  }
}
