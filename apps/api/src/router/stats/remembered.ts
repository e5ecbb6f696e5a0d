const KEEP_MS = 3000;
/** What took long to count is kept longer, so that counting takes no more than a tenth of the time. */
const KEEP_TIMES = 9;
const AT_MOST = 100;

interface Answer<T> {
  readonly value: Promise<T>;
  /** Epoch milliseconds; none while it is being worked out. */
  until?: number;
}

/** Answers shared by those who ask the same at about the same time. An answer that failed is not kept. */
export class Remembered<T> {
  readonly #answers = new Map<string, Answer<T>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known && (known.until === undefined || this.#now() < known.until)) return known.value;
    const answer: Answer<T> = { value: ask() };
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > AT_MOST && !oldest.done) this.#answers.delete(oldest.value);
    void this.#settle(key, answer);
    return answer.value;
  }

  async #settle(key: string, answer: Answer<T>): Promise<void> {
    const start = this.#now();
    try {
      await answer.value;
      const end = this.#now();
      answer.until = end + Math.max(KEEP_MS, (end - start) * KEEP_TIMES);
    } catch {
      // Those who asked get the error itself; the next to ask starts anew.
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    }
  }
}
