import type { Clock } from "../ports/clock.ts";

/** Up to this difference, this machine's own clock is used, which is finer than the store's whole seconds. */
const TOLERATED_SKEW_MS = 2000;
/** A measured difference is dropped after this time, since clocks drift. */
const MAX_AGE_MS = 10 * 60_000;

/** How far the store's clock is ahead of this machine's: somewhere between the two, in milliseconds. */
interface Difference {
  readonly least: number;
  readonly most: number;
  readonly since: number;
}

/**
 * The time by which leases are decided: the store's, as its answers give it (their `Date`, in whole seconds), so that
 * machines whose clocks differ agree on when a lease has run out. Each answer narrows the difference down; one that
 * contradicts what was known, such as after a jump of this machine's clock, replaces it.
 */
export class StoreClock implements Clock {
  readonly #local: () => number;
  #difference: Difference | undefined;

  constructor(local: () => number = Date.now) {
    this.#local = local;
  }

  now(): number {
    return this.#local() + this.skewMs;
  }

  /** Milliseconds that the store's clock is ahead of this machine's; 0 while the difference is tolerated. */
  get skewMs(): number {
    if (!this.#difference) return 0;
    const { least, most } = this.#difference;
    const middle = Math.round((least + most) / 2);
    return Math.abs(middle) > TOLERATED_SKEW_MS ? middle : 0;
  }

  /** Takes note of an answer's `Date`, and of this machine's time when the request was sent and answered. */
  observe(date: string | undefined, sentAt: number, answeredAt: number): void {
    const storeTime = date === undefined ? Number.NaN : Date.parse(date);
    // A clock that went back while the answer was on its way says nothing of the difference.
    if (!Number.isFinite(storeTime) || answeredAt < sentAt) return;
    // The store wrote it between the two, within the second that it names.
    const fresh = { least: storeTime - answeredAt, most: storeTime + 999 - sentAt, since: answeredAt };
    const known = this.#difference;
    const kept = known !== undefined && Math.abs(answeredAt - known.since) < MAX_AGE_MS;
    const least = kept ? Math.max(known.least, fresh.least) : fresh.least;
    const most = kept ? Math.min(known.most, fresh.most) : fresh.most;
    this.#difference = kept && least <= most ? { least, most, since: known.since } : fresh;
  }
}
