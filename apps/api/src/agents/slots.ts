/** Places of turns that run at the same time; the others wait, the first come first. */
export class Slots {
  readonly #count: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get figures(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  /** A place, once there is one; given back whether or not it was reached. */
  take(): { readonly ready: Promise<void>; release(): void } {
    let isTaken = false;
    const begun = () => {
      isTaken = true;
      this.#running += 1;
    };
    const next = () => {
      const waiting = this.#waiting.shift();
      waiting?.();
    };
    if (this.#running < this.#count) {
      begun();
      return { ready: Promise.resolve(), release: () => this.#free(next) };
    }
    let begin: (() => void) | undefined;
    const ready = new Promise<void>((resolve) => {
      begin = () => {
        begun();
        resolve();
      };
      this.#waiting.push(begin);
    });
    const release = () => {
      if (isTaken) return this.#free(next);
      const at = begin ? this.#waiting.indexOf(begin) : -1;
      if (at >= 0) this.#waiting.splice(at, 1);
    };
    return { ready, release };
  }

  #free(next: () => void): void {
    this.#running -= 1;
    if (this.#running < this.#count) next();
  }
}
