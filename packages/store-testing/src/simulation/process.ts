import type { Clock } from "@stagefold/core";
import type { Scheduler } from "./scheduler.ts";

/** A process: it has a clock that may be wrong, it may stand still for a while, and it may be gone at any moment. */
export class SimProcess {
  readonly name: string;
  /** The wall clock, in epoch milliseconds; what the process takes for the time. */
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #skewMs: number;
  #asleepMs = 0;
  #frozenUntil = 0;
  #dead = false;

  constructor(scheduler: Scheduler, name: string, skewMs = 0) {
    this.#scheduler = scheduler;
    this.name = name;
    this.#skewMs = skewMs;
    this.clock = { now: () => this.#scheduler.now + this.#skewMs };
  }

  get dead(): boolean {
    return this.#dead;
  }

  get frozen(): boolean {
    return this.#scheduler.now < this.#frozenUntil;
  }

  /** Milliseconds since some moment, by a clock that never goes back and stands still while the machine sleeps. */
  monotonic(): number {
    return this.#scheduler.now - this.#asleepMs;
  }

  /** Nothing of it runs any more. What it has sent is on its way all the same. */
  crash(): void {
    this.#dead = true;
  }

  /** Stopped, or asleep with its machine: then the monotonic clock stands still too. */
  freeze(ms: number, asleep: boolean): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#scheduler.now + ms);
    if (asleep) this.#asleepMs += ms;
  }

  thaw(): void {
    this.#frozenUntil = 0;
  }

  jump(ms: number): void {
    this.#skewMs += ms;
  }

  /** Sets the wall clock right. */
  synchronise(): void {
    this.#skewMs = 0;
  }

  /** Runs something in this process: later if it stands still then, never if it is gone. */
  after(ms: number, run: () => void): void {
    this.#scheduler.after(ms, () => this.whenAwake(run));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Now, unless it stands still: then as soon as it continues. Never if it is gone. */
  whenAwake(run: () => void): void {
    if (this.#dead) return;
    if (this.frozen) this.after(this.#frozenUntil - this.#scheduler.now, run);
    else run();
  }
}
