import type { Clock } from "@stagefold/core";
import type { Scheduler } from "../simulation/scheduler.ts";

/** One API process in virtual time: what it waits for never comes once it has crashed, and late while it is frozen. */
export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  #isDead = false;
  #thawsAt = 0;
  #clockOffset = 0;
  readonly #scheduler: Scheduler;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
    this.clock = { now: () => scheduler.now + this.#clockOffset };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  crash(): void {
    this.#isDead = true;
  }

  freeze(ms: number): void {
    this.#thawsAt = this.#scheduler.now + ms;
  }

  setClock(offsetMs: number): void {
    this.#clockOffset = offsetMs;
  }

  /** In peace: awake, with the right time. */
  recover(): void {
    this.#thawsAt = 0;
    this.#clockOffset = 0;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#scheduler.after(ms, () => this.wake(resolve)));
  }

  /** Continues the process when it can: never after a crash. */
  wake(resume: () => void): void {
    if (this.#isDead) return;
    const wait = this.#thawsAt - this.#scheduler.now;
    if (wait > 0) this.#scheduler.after(wait, () => this.wake(resume));
    else resume();
  }
}
