/** One reading of both clocks, in milliseconds: one never goes back, the other counts the time that a machine sleeps. */
export interface ClockReading {
  readonly monotonic: number;
  readonly wall: number;
}

export function readClock(): ClockReading {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since then, by the clock that shows more: a lease owner must not trust its lease for too long. */
export function since(then: ClockReading): number {
  return Math.max(performance.now() - then.monotonic, Date.now() - then.wall);
}

/** The share of a lease after which its owner gives it up if no renewal was acknowledged. */
export const TRUSTED_SHARE = 0.75;

/** A clock that falls behind by less was corrected, not set back, in milliseconds. */
const SET_BACK_MS = 2000;

/** Notices that a clock was set back, against one that never goes back. */
export class SetBackDetector {
  readonly #now: () => number;
  readonly #monotonic: () => number;
  /** The most by which the clock was ahead of the monotonic one. */
  #ahead = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, monotonic = () => performance.now()) {
    this.#now = now;
    this.#monotonic = monotonic;
  }

  /** Whether the clock was set back since the last call. */
  check(): boolean {
    const ahead = this.#now() - this.#monotonic();
    const isBack = ahead < this.#ahead - SET_BACK_MS;
    this.#ahead = isBack ? ahead : Math.max(ahead, this.#ahead);
    return isBack;
  }
}
