import { jittered } from "../async.ts";

const FIRST_MS = 1000;
const LAST_MS = 60_000;
/** Attempts in a row that could not be run after which the worker reports that it is not ready. */
const MAX_NOT_RUN = 3;

/**
 * Slows down a worker that cannot run stages: no process can be started, the disk is full, files cannot be restored.
 * Its builds go back to the queue for other workers. While it fails it claims one build at a time, after a wait that
 * doubles; the first stage whose own code runs ends that.
 */
export class WorkerBackoff {
  readonly #now: () => number;
  #inARow = 0;
  #rounds = 0;
  #until = 0;
  #trialUntil = 0;
  #reason: string | undefined;

  /** `now` gives monotonic milliseconds. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** An attempt could not be run here. */
  failed(reason: string): void {
    this.#inARow += 1;
    this.#reason = reason;
    // Several builds that fail at the same time are one failure of the worker.
    if (this.#until > this.#now()) return;
    this.#until = this.#now() + jittered(Math.min(LAST_MS, FIRST_MS * 2 ** this.#rounds));
    this.#rounds += 1;
  }

  /** A stage's own code ran. */
  succeeded(): void {
    this.#inARow = 0;
    this.#rounds = 0;
    this.#until = 0;
    this.#trialUntil = 0;
    this.#reason = undefined;
  }

  /** A build was claimed: while the worker is on trial the next one waits until this one may have shown something. */
  claimed(): void {
    if (this.#rounds > 0) this.#trialUntil = this.#now() + FIRST_MS;
  }

  /** Milliseconds until the worker may claim again. */
  get waitMs(): number {
    return Math.max(0, Math.max(this.#until, this.#trialUntil) - this.#now());
  }

  /** Why the worker is not ready; undefined while it is. */
  get notReady(): string | undefined {
    if (this.#inARow < MAX_NOT_RUN) return undefined;
    return `the last ${this.#inARow} attempts could not be run here: ${this.#reason}`;
  }
}
