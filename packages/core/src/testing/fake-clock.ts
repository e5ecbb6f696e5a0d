import type { Clock } from "../ports/clock.ts";

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #ms: number;

  constructor(start = "2026-01-01T00:00:00.000Z") {
    this.#ms = Date.parse(start);
  }

  now(): number {
    return this.#ms;
  }

  advance(ms: number): void {
    this.#ms += ms;
  }
}
