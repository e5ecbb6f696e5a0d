import { type ProjectStatus, type Repository, toTime } from "@stagefold/core";
import { createdDay, DAY_MS, ENDED, eachRow, liveDay, OPEN } from "./daily-rollup.ts";

/** What other processes delete, import or retry among the builds of closed days is counted after so long. */
const KEEP_MS = 900_000;
/** A count of everything that takes no longer is waited for; a longer one goes on while the old one is good. */
const QUICK_MS = 500;

type Counts = Map<ProjectStatus, number>;

interface Sweep {
  readonly days: Map<number, Counts>;
  /** Up to this day, which is not in it. */
  live: number;
  readonly atMs: number;
  readonly tookMs: number;
}

/**
 * How many builds there are in each state. Those that have ended are counted by the day (UTC) they were created on,
 * once that is over, so that a table of a hundred thousand builds is not read through for each answer. A day of which
 * a build was open and is not any more, or is again, is counted anew.
 */
export class StatusCounts {
  readonly #repository: Repository;
  #sweep: Sweep | undefined;
  #sweeping: Promise<void> | undefined;
  readonly #dirty = new Set<number>();
  #outdated = false;
  /** When each build was created that was open at the last look. */
  #open = new Map<string, number>();

  constructor(repository: Repository) {
    this.#repository = repository;
    repository.onChange((change) => {
      // Nobody says any more when it was created.
      if (change.kind === "deleted") this.#outdated = true;
    });
  }

  async count(): Promise<Counts> {
    const nowMs = this.#repository.clock.now();
    const counts: Counts = new Map();
    const open = new Map<string, number>();
    await this.#rows(OPEN, {}, (row, status) => {
      add(counts, status, 1);
      open.set(String(row.project_id), createdDay(row));
    });
    this.#look(open);
    const sweep = await this.#upToDate(nowMs);
    const live = liveDay(nowMs);
    for (let day = sweep.live; day < live; day += DAY_MS) this.#dirty.add(day);
    sweep.live = live;
    for (const day of [...this.#dirty]) if (day < live) await this.#recount(sweep, day);
    for (const day of sweep.days.values()) for (const [status, count] of day) add(counts, status, count);
    await this.#rows(ENDED, { since: toTime(live) }, (_row, status) => add(counts, status, 1));
    return counts;
  }

  #look(open: Map<string, number>): void {
    for (const [id, day] of this.#open) if (!open.has(id)) this.#dirty.add(day);
    for (const [id, day] of open) if (!this.#open.has(id)) this.#dirty.add(day);
    this.#open = open;
  }

  async #upToDate(nowMs: number): Promise<Sweep> {
    const known = this.#sweep;
    if (known && !this.#outdated && nowMs - known.atMs <= KEEP_MS) return known;
    this.#sweeping ??= this.#countAll(nowMs);
    if (!known || known.tookMs <= QUICK_MS) await this.#sweeping;
    else this.#sweeping.catch(() => undefined); // Whoever asks next hears of a store that does not answer.
    return this.#sweep ?? { days: new Map(), live: 0, atMs: 0, tookMs: 0 };
  }

  async #countAll(nowMs: number): Promise<void> {
    try {
      const from = performance.now();
      const live = liveDay(nowMs);
      const days = new Map<number, Counts>();
      this.#outdated = false;
      // Days that change from here on are dirty for the new count too.
      this.#dirty.clear();
      await this.#rows(ENDED, { until: toTime(live) }, (row, status) => {
        const day = days.get(createdDay(row)) ?? new Map();
        days.set(createdDay(row), add(day, status, 1));
      });
      this.#sweep = { days, live, atMs: nowMs, tookMs: performance.now() - from };
    } finally {
      this.#sweeping = undefined;
    }
  }

  async #recount(sweep: Sweep, day: number): Promise<void> {
    const counts: Counts = new Map();
    const range = { since: toTime(day), until: toTime(day + DAY_MS) };
    await this.#rows(ENDED, range, (_row, status) => add(counts, status, 1));
    sweep.days.set(day, counts);
    if (this.#sweeping === undefined) this.#dirty.delete(day);
  }

  async #rows(
    statuses: readonly ProjectStatus[],
    range: { readonly since?: string; readonly until?: string },
    take: (row: { readonly [field: string]: unknown }, status: ProjectStatus) => void,
  ): Promise<void> {
    await Promise.all(
      statuses.map((status) =>
        eachRow(this.#repository.store, { status, ...range, fields: [] }, (row) => take(row, status)),
      ),
    );
  }
}

function add(counts: Counts, status: ProjectStatus, count: number): Counts {
  return counts.set(status, (counts.get(status) ?? 0) + count);
}
