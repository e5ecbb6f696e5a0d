/** A time that was decided while a clock was ahead by more than this is decided again. Milliseconds. */
const SET_BACK_MS = 60_000;

/** Knows when times may stand that were decided while a clock was ahead: what they are for would wait as long as the jump. */
export class SetBackClock {
  #readAt = Number.POSITIVE_INFINITY;

  /** Decides them again at first, as the process before may have left some, and when the clock was set back since the last time. */
  async retimed(now: number, retime: () => Promise<void>): Promise<void> {
    if (now < this.#readAt - SET_BACK_MS) await retime();
    this.#readAt = now;
  }
}
