import type { DueWork } from "@stagefold/core";

/** A row whose claim was refused is left alone for so long, in milliseconds. */
const LEFT_ALONE_MS = 10_000;
const REMEMBERED = 5000;

/**
 * Rows whose claim was refused: another was quicker, or the row is out of date, which one that an index keeps by
 * mistake is for ever. Trying it again and again would cost a write each time.
 */
export class ClaimBackoff {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  /** `now` gives monotonic milliseconds. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  add(row: DueWork): void {
    if (this.#until.size >= REMEMBERED) this.#until.clear();
    this.#until.set(keyOf(row), this.#now() + LEFT_ALONE_MS);
  }

  has(row: DueWork): boolean {
    const until = this.#until.get(keyOf(row));
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#until.delete(keyOf(row));
    return false;
  }
}

/** Every claim and every renewal changes when it is due: the row is then another one. */
function keyOf({ project_id, work_due_at }: DueWork): string {
  return `${project_id} ${work_due_at}`;
}
