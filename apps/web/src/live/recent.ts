import type { ProjectSummary } from "../lib/trpc.ts";

/** How long an answer may be on its way that was asked for before an event came. Milliseconds. */
const KEEP_MS = 5000;

/**
 * The lines that changed just now. A list that was asked for before, and comes after, is older than they are: they are
 * brought into it again.
 */
export class RecentLines {
  readonly #lines = new Map<string, { readonly line: ProjectSummary | undefined; readonly at: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `undefined` for a project that is gone. */
  note(projectId: string, line: ProjectSummary | undefined): void {
    this.#forgetOld();
    this.#lines.delete(projectId);
    this.#lines.set(projectId, { line, at: this.#now() });
  }

  /** After a break: whatever is read now is newer. */
  clear(): void {
    this.#lines.clear();
  }

  /** In the order in which they changed. */
  all(): readonly (readonly [projectId: string, line: ProjectSummary | undefined])[] {
    this.#forgetOld();
    return [...this.#lines].map(([id, { line }]) => [id, line]);
  }

  #forgetOld(): void {
    const oldest = this.#now() - KEEP_MS;
    for (const [id, { at }] of this.#lines) if (at < oldest) this.#lines.delete(id);
  }
}
