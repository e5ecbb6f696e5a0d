interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: what happens, one thing after another, and all that follows from each before the next. */
export class Scheduler {
  #now: number;
  #order = 0;
  #held = 0;
  /** The next one last. */
  readonly #queue: Event[] = [];

  constructor(start = "2026-01-01T00:00:00.000Z") {
    this.#now = Date.parse(start);
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): void {
    const event = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    let at = this.#queue.length;
    while (at > 0 && isLater(event, this.#queue[at - 1])) at -= 1;
    this.#queue.splice(at, 0, event);
  }

  /**
   * Time stands still until the answer is called: something runs that takes real time, such as a digest, which
   * ends when it ends.
   */
  hold(): () => void {
    let held = true;
    this.#held += 1;
    return () => {
      if (held) this.#held -= 1;
      held = false;
    };
  }

  /** Until it is done or nothing is left to happen. */
  async run(done: () => boolean): Promise<void> {
    for (;;) {
      do await settled();
      while (this.#held > 0);
      if (done()) return;
      const event = this.#queue.pop();
      if (!event) return;
      this.#now = Math.max(this.#now, event.at);
      event.run();
    }
  }
}

function isLater(event: Event, other: Event | undefined): boolean {
  return other !== undefined && (event.at > other.at || (event.at === other.at && event.order > other.order));
}

/** Every promise that can continue has continued: Node empties its queue of them before the next immediate. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
