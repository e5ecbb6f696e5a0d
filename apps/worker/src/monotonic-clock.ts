/** One moment by both clocks, in milliseconds: one that never goes back, one that goes on while the machine sleeps. */
export interface ClockReading {
  readonly monotonic: number;
  readonly wall: number;
}

export function readClock(): ClockReading {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since then, by the clock that shows more: a holder must not believe in its lease for too long. */
export function since(then: ClockReading): number {
  return Math.max(performance.now() - then.monotonic, Date.now() - then.wall);
}

/** The share of a lease after which its holder gives it up if no renewal was acknowledged. */
export const TRUSTED_SHARE = 0.75;
