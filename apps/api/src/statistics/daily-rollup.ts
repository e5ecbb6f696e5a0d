import {
  type ChangeFeed,
  type Item,
  PROJECT_STATUSES,
  type ProjectFilter,
  type ProjectStatus,
  type Repository,
  type RowChange,
  rowPasses,
  toTime,
  type Unsubscribe,
} from "@stagefold/core";
import { BUILD_ROW_FIELDS, type BuildRow, buildRowOf } from "./build-row.ts";

const DAY_MS = 86_400_000;
/** A day is closed when it is over on every clock. */
const GRACE_MS = 60_000;
/** Rows of one page; between two pages other requests are served. */
const PAGE_ROWS = 1000;
/**
 * A partial feed does not tell of every change of closed days, such as an import: each question reads so many of their
 * builds again, unless they were read so short a time ago. Milliseconds.
 */
const REREAD_BUILDS = 1000;
const FRESH_MS = 2000;
/** Builds that are kept; beyond it days are read each time. */
const MAX_KEPT = 120_000;
/** After so long without a question nothing is kept, and no change is followed. */
const IDLE_MS = 300_000;

const ENDED = ["completed", "failed", "cancelled"] as const satisfies readonly ProjectStatus[];
const OPEN = PROJECT_STATUSES.filter((status) => !ENDED.some((ended) => ended === status));

/** From this millisecond, and until before that one. */
type Span = readonly [from: number, until: number];

interface Day {
  /** By the monotonic clock. */
  readonly readAt: number;
  readonly builds: Map<string, BuildRow>;
}

/**
 * The builds of the last days. Those that have ended are kept by the day (UTC) they were created on once that is over,
 * so that asking again reads today's and the open ones alone. The change feed keeps closed days right; a build that was
 * open and is not any more has its day read again.
 */
export class DailyRollup {
  readonly #repository: Repository;
  readonly #feed: ChangeFeed;
  readonly #monotonic: () => number;
  /** By the day's first millisecond. */
  readonly #days = new Map<number, Day>();
  /** When each build was created that was open at the last look. */
  #open = new Map<string, number>();
  /** Changes while days are being read, which may show the time before or after them. */
  #meanwhile: RowChange[] = [];
  #reads = 0;
  #unsubscribe: Unsubscribe | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `monotonic` gives milliseconds. */
  constructor(repository: Repository, feed: ChangeFeed, monotonic: () => number) {
    this.#repository = repository;
    this.#feed = feed;
    this.#monotonic = monotonic;
  }

  /** Every build created since then, each once. */
  async since(fromMs: number): Promise<BuildRow[]> {
    this.#follow();
    this.#reads += 1;
    try {
      return await this.#since(fromMs);
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#meanwhile = [];
    }
  }

  async #since(fromMs: number): Promise<BuildRow[]> {
    const first = dayOf(fromMs);
    const live = dayOf(this.#repository.clock.now() - GRACE_MS);
    const open: BuildRow[] = [];
    const since = toTime(first);
    for (const status of OPEN)
      await this.#eachRow({ status, since }, (row) => open.push(buildRowOf(row, status)));
    this.#compareOpen(open, first);
    const closed: number[] = [];
    for (let day = first; day < live; day += DAY_MS) closed.push(day);
    const [kept, fresh] = await Promise.all([this.#closed(closed), this.#readEnded(live, undefined)]);
    // What has ended since it was read as open is in both.
    const all = new Map([...open, ...kept, ...fresh].map((build) => [build.project_id, build]));
    this.#evict();
    return [...all.values()];
  }

  /** Follows the changes while there are questions. */
  #follow(): void {
    clearTimeout(this.#idle);
    this.#unsubscribe ??= this.#feed.watchRows((changes) => {
      if (this.#reads > 0) this.#meanwhile.push(...changes);
      for (const change of changes) this.#apply(change);
    });
    this.#idle = setTimeout(() => {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      this.#days.clear();
      this.#open.clear();
    }, IDLE_MS).unref();
  }

  #apply(change: RowChange): void {
    const id = change.kind === "changed" ? String(change.row.project_id) : change.project_id;
    for (const { builds } of this.#days.values()) builds.delete(id);
    if (change.kind === "deleted") return;
    const build = endedBuild(change.row);
    if (build) this.#days.get(createdDay(build))?.builds.set(id, build);
  }

  async #closed(days: readonly number[]): Promise<BuildRow[]> {
    const missing = [...days.filter((day) => !this.#days.has(day)), ...this.#outdated(days)];
    // A copy: another call may forget days meanwhile.
    const known = new Map(this.#days);
    for (const span of spansOf(missing.sort((a, b) => a - b))) await this.#readSpan(span, known);
    for (const change of this.#meanwhile) this.#apply(change);
    return days.flatMap((day) => [...(known.get(day)?.builds.values() ?? [])]);
  }

  /** The kept days that were read longest ago, as many as have builds of so great a number; one at least. */
  #outdated(days: readonly number[]): number[] {
    if (!this.#feed.isPartial) return [];
    const latest = this.#monotonic() - FRESH_MS;
    const kept = days.flatMap((at) => {
      const { readAt, builds } = this.#days.get(at) ?? {};
      return readAt === undefined || readAt > latest ? [] : [{ at, readAt, size: builds?.size ?? 0 }];
    });
    let sum = 0;
    return kept
      .sort((a, b) => a.readAt - b.readAt)
      .filter(({ size }, i) => {
        sum += size;
        return i === 0 || sum <= REREAD_BUILDS;
      })
      .map(({ at }) => at);
  }

  async #readSpan([from, until]: Span, known: Map<number, Day>): Promise<void> {
    const readAt = this.#monotonic();
    const builds = await this.#readEnded(from, until);
    for (let at = from; at < until; at += DAY_MS) {
      const day = { readAt, builds: new Map<string, BuildRow>() };
      known.set(at, day);
      this.#days.set(at, day);
    }
    for (const build of builds) known.get(createdDay(build))?.builds.set(build.project_id, build);
  }

  async #readEnded(from: number, until: number | undefined): Promise<BuildRow[]> {
    const found: BuildRow[] = [];
    const filter = { since: toTime(from), until: until === undefined ? undefined : toTime(until) };
    await this.#eachRow(filter, (row) => {
      const build = endedBuild(row);
      if (build) found.push(build);
    });
    return found;
  }

  async #eachRow(filter: ProjectFilter, take: (row: Item) => void): Promise<void> {
    const { store } = this.#repository;
    for (let cursor: string | undefined; ; ) {
      const page = await store.list({ ...filter, fields: BUILD_ROW_FIELDS, limit: PAGE_ROWS, cursor });
      page.items.forEach(take);
      cursor = page.next;
      if (cursor === undefined) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Which builds are open now, and whose day is therefore not what it was. */
  #compareOpen(open: readonly BuildRow[], first: number): void {
    const now = new Map(open.map((build) => [build.project_id, createdDay(build)]));
    for (const [id, day] of this.#open)
      if (day < first) now.set(id, day);
      else if (!now.has(id)) this.#days.delete(day);
    for (const [id, day] of now) this.#days.get(day)?.builds.delete(id);
    this.#open = now;
  }

  #evict(): void {
    let kept = 0;
    for (const day of [...this.#days.keys()].sort((a, b) => b - a)) {
      kept += this.#days.get(day)?.builds.size ?? 0;
      if (kept > MAX_KEPT) this.#days.delete(day);
    }
  }
}

function endedBuild(row: Item): BuildRow | undefined {
  const status = ENDED.find((ended) => rowPasses(row, { status: ended }));
  return status === undefined ? undefined : buildRowOf(row, status);
}

/** The first millisecond of the day (UTC). */
function dayOf(epochMs: number): number {
  return Math.floor(epochMs / DAY_MS) * DAY_MS;
}

function createdDay({ created_at }: { readonly created_at: string }): number {
  return dayOf(Date.parse(created_at));
}

/** Days in a row are read as one. */
function spansOf(days: readonly number[]): Span[] {
  const spans: [number, number][] = [];
  for (const day of days) {
    const last = spans.at(-1);
    if (last && last[1] === day) last[1] = day + DAY_MS;
    else spans.push([day, day + DAY_MS]);
  }
  return spans;
}
