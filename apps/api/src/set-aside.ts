import type { DueWork } from "@stagefold/core";

/** How long a row is left alone after its first failure, and at the most. Milliseconds. */
const FIRST_MS = 10_000;
const MAX_MS = 600_000;
const MAX_ROWS = 10_000;

interface Aside {
  readonly until: number;
  readonly failures: number;
}

/**
 * Due rows that cannot be claimed: the item cannot be read, another worker was quicker, or the index is outdated. Each is
 * tried again after ever longer times. A claim or a renewal moves the due time: the row is then a new one.
 */
export class SetAside {
  readonly #rows = new Map<string, Aside>();
  readonly #onError: (projectId: string, error: unknown) => void;

  /** `onError` is called with the first error of each. */
  constructor(onError: (projectId: string, error: unknown) => void = () => undefined) {
    this.#onError = onError;
  }

  has(row: DueWork): boolean {
    const aside = this.#rows.get(keyOf(row));
    return aside !== undefined && performance.now() < aside.until;
  }

  add(row: DueWork, error?: unknown): void {
    const key = keyOf(row);
    const failures = (this.#rows.get(key)?.failures ?? 0) + 1;
    if (failures === 1 && error !== undefined) this.#onError(row.project_id, error);
    const until = performance.now() + Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
    this.#rows.delete(key);
    this.#rows.set(key, { until, failures });
    const oldest = this.#rows.keys().next();
    if (this.#rows.size > MAX_ROWS && !oldest.done) this.#rows.delete(oldest.value);
  }
}

function keyOf({ project_id, work_due_at }: DueWork): string {
  return `${project_id} ${work_due_at}`;
}
