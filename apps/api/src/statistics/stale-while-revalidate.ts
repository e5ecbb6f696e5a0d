const KEEP_MS = 3000;
/** What took long to count is kept longer, so that counting takes no more than a tenth of the time. */
const KEEP_TIMES = 9;
/** Whoever asks again for what takes so long gets the last answer, while a new one is worked out. */
const SLOW_MS = 1000;
const AT_MOST = 100;

interface Answer<T> {
  readonly value: Promise<T>;
  /** Epoch milliseconds; none while it is being worked out. */
  until?: number;
  /** Whether it took long. */
  slow?: boolean;
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
    if (known?.slow === true) return this.#meanwhile(key, known, ask);
    return this.#ask(key, ask).value;
  }

  #ask(key: string, ask: () => Promise<T>): Answer<T> {
    const answer: Answer<T> = { value: ask() };
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > AT_MOST && !oldest.done) this.#answers.delete(oldest.value);
    void this.#settle(key, answer);
    return answer;
  }

  /** The last answer stays good until the next is there; one that fails is asked for again by the next. */
  #meanwhile(key: string, known: Answer<T>, ask: () => Promise<T>): Promise<T> {
    delete known.until;
    void this.#replace(key, known, ask);
    return known.value;
  }

  async #replace(key: string, known: Answer<T>, ask: () => Promise<T>): Promise<void> {
    const next: Answer<T> = { value: ask() };
    await this.#settle(key, next);
    if (this.#answers.get(key) !== known) return;
    if (next.until === undefined) this.#answers.delete(key);
    else this.#answers.set(key, next);
  }

  async #settle(key: string, answer: Answer<T>): Promise<void> {
    const start = this.#now();
    try {
      await answer.value;
      const end = this.#now();
      answer.slow = end - start > SLOW_MS;
      answer.until = end + Math.max(KEEP_MS, (end - start) * KEEP_TIMES);
    } catch {
      // Those who asked get the error itself; the next to ask starts anew.
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    }
  }
}
