import {
  canonicalJson,
  type Item,
  PROJECT_STATUSES,
  type ProjectStatus,
  type ProjectStore,
  type ProjectSummary,
  summaryOfRow,
} from "@stagefold/core";
import type { ListChange } from "./list-event.ts";

type Change = Exclude<ListChange, { kind: "reset" }>;

/** How many of the newest projects in each state are looked at. Those that may still change by themselves come first. */
const ROWS: Readonly<Record<ProjectStatus, number>> = {
  pending: 100,
  queued: 200,
  building: 200,
  paused: 100,
  completed: 50,
  failed: 50,
  cancelled: 50,
};
/** Items that one request reads at the most. */
const BATCH = 100;
/** An index may lag behind a write: what this process wrote is believed over it for so long. Milliseconds. */
const BELIEVED_MS = 500;

interface Known {
  /** Canonical JSON of the summary. */
  readonly text: string;
  /** When this process wrote it. */
  readonly writtenAt?: number;
}

/** The newest projects of every state as they were last seen, and what changed since. */
export class ListWindow {
  readonly #store: ProjectStore;
  readonly #known = new Map<string, Known>();
  /** When this process deleted what an index may still show. */
  readonly #goneAt = new Map<string, number>();
  #filled = false;

  constructor(store: ProjectStore) {
    this.#store = store;
  }

  /** A project that this process wrote. */
  see(project: ProjectSummary): Change | undefined {
    this.#goneAt.delete(project.project_id);
    return this.#put(project, performance.now());
  }

  /** A project that this process deleted. */
  gone(projectId: string): Change {
    this.#known.delete(projectId);
    this.#goneAt.set(projectId, performance.now());
    return { kind: "removed", project_id: projectId };
  }

  /** Looks at the lists; what differs from what was known, the first time nothing. */
  async read(): Promise<Change[]> {
    const startedAt = performance.now();
    const { rows, doubtful } = await this.#rows();
    const items = await this.#items(doubtful);
    const changes: Change[] = [];
    for (const summary of [...rows.values(), ...items].map(summaryOfRow)) {
      if (this.#isNewerHere(summary.project_id, startedAt)) continue;
      const change = this.#put(summary);
      if (change && this.#filled) changes.push(change);
    }
    for (const id of doubtful) {
      if (this.#isNewerHere(id, startedAt)) continue;
      const there = items.some((item) => item.project_id === id);
      if (!there) changes.push({ kind: "removed", project_id: id });
      // What is neither deleted nor listed is older than what is looked at.
      this.#known.delete(id);
    }
    for (const [id, at] of this.#goneAt) if (at < startedAt - BELIEVED_MS) this.#goneAt.delete(id);
    this.#filled = true;
    return changes;
  }

  /** One page of each state; doubtful is what an index shows twice or not any more. */
  async #rows(): Promise<{ rows: Map<string, Item>; doubtful: Set<string> }> {
    const pages = await Promise.all(
      PROJECT_STATUSES.map((status) => this.#store.list({ status, limit: ROWS[status] })),
    );
    const rows = new Map<string, Item>();
    const doubtful = new Set<string>();
    for (const row of pages.flatMap(({ items }) => items)) {
      const id = String(row.project_id);
      if (rows.has(id)) doubtful.add(id);
      rows.set(id, row);
    }
    for (const id of this.#known.keys()) if (!rows.has(id)) doubtful.add(id);
    for (const id of doubtful) rows.delete(id);
    return { rows, doubtful };
  }

  /** The items themselves, which no index can be behind of. */
  async #items(ids: ReadonlySet<string>): Promise<Item[]> {
    const all = [...ids];
    const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) =>
      this.#store.getMany(all.slice(i * BATCH, (i + 1) * BATCH)),
    );
    return (await Promise.all(batches)).flat();
  }

  #put(project: ProjectSummary, writtenAt?: number): Change | undefined {
    const text = canonicalJson(project);
    const before = this.#known.get(project.project_id);
    this.#known.set(project.project_id, { text, ...(writtenAt !== undefined && { writtenAt }) });
    return before?.text === text ? undefined : { kind: "changed", project };
  }

  /** Whether this process knows better than an answer to what was asked then. */
  #isNewerHere(projectId: string, askedAt: number): boolean {
    const at = this.#known.get(projectId)?.writtenAt ?? this.#goneAt.get(projectId);
    return at !== undefined && at > askedAt - BELIEVED_MS;
  }
}
