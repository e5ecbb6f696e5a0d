/** What writes a ping to its reader. */
export interface Stream {
  ping(): void;
}

const SLOTS = 20;

/**
 * One timer for all streams that say now and then that they are alive. Each has its turn once in `everyMs`, in one of
 * several slots: thousands of them are not written to in the same moment.
 */
export class KeepAlive {
  readonly #everyMs: number;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Stream>());
  #timer: NodeJS.Timeout | undefined;
  #now = 0;
  #open = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Answers with what ends it. Its first turn comes when `everyMs` is over, or a slot earlier. */
  add(one: Stream): () => void {
    const slot = this.#slots[this.#now];
    slot?.add(one);
    this.#open += 1;
    this.#timer ??= setInterval(() => this.#turn(), this.#everyMs / SLOTS).unref();
    return () => {
      if (!slot?.delete(one)) return;
      this.#open -= 1;
      if (this.#open > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #turn(): void {
    this.#now = (this.#now + 1) % SLOTS;
    for (const one of this.#slots[this.#now] ?? []) one.ping();
  }
}
