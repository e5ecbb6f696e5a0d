/** How long a project is left alone after its first failure, and at the most. Milliseconds. */
const FIRST_MS = 10_000;
const MAX_MS = 600_000;
const MAX_PROJECTS = 10_000;

interface Aside {
  readonly until: number;
  readonly failures: number;
}

/** Projects that cannot be claimed, such as those that cannot be read: each is tried again after ever longer times. */
export class SetAside {
  readonly #projects = new Map<string, Aside>();
  readonly #onError: (projectId: string, error: unknown) => void;

  /** `onError` is called with the first failure of each. */
  constructor(onError: (projectId: string, error: unknown) => void = () => undefined) {
    this.#onError = onError;
  }

  has(projectId: string): boolean {
    const aside = this.#projects.get(projectId);
    return aside !== undefined && performance.now() < aside.until;
  }

  add(projectId: string, error: unknown): void {
    const failures = (this.#projects.get(projectId)?.failures ?? 0) + 1;
    if (failures === 1) this.#onError(projectId, error);
    const until = performance.now() + Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
    this.#projects.delete(projectId);
    this.#projects.set(projectId, { until, failures });
    const oldest = this.#projects.keys().next();
    if (this.#projects.size > MAX_PROJECTS && !oldest.done) this.#projects.delete(oldest.value);
  }
}
