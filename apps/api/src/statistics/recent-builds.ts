import { type ProjectChange, type ProjectStatus, type Repository, toTime } from "@stagefold/core";
import { BUILD_ROW_FIELDS, type BuildRow, buildRowOf } from "./build-row.ts";
import { createdDay, DAY_MS, dayOf, ENDED, eachRow, isEnded, liveDay, OPEN } from "./daily-rollup.ts";

/** Days that are read at once, in parts of so many. */
const SPAN_DAYS = 4;
const AT_ONCE = 4;
/** What other processes delete, import or retry among the builds of a closed day is seen after so long. */
const KEEP_MS = 600_000;
/** Closed days that are read again for that at one time. */
const AGAIN = 2;
/** Builds that are kept; beyond it days are read each time. */
const MAX_KEPT = 60_000;

/** From this millisecond, and until before that one. */
type Span = readonly [from: number, until: number];

interface Day {
  readonly readAtMs: number;
  readonly builds: Map<string, BuildRow>;
}

/**
 * The builds of the last days. Those that have ended are kept by the day (UTC) they were created on once that is over,
 * so that asking again reads today's and the open ones alone. A build that was open and is not any more has its day
 * read again.
 */
export class RecentBuilds {
  readonly #repository: Repository;
  /** By the day's first millisecond. */
  readonly #days = new Map<number, Day>();
  /** When each build was created that was open at the last look. */
  #open = new Map<string, number>();

  constructor(repository: Repository) {
    this.#repository = repository;
    repository.onChange((change) => this.#changed(change));
  }

  /** Every build created since then, each once. */
  async since(fromMs: number): Promise<BuildRow[]> {
    const nowMs = this.#repository.clock.now();
    const first = dayOf(fromMs);
    const live = liveDay(nowMs);
    const open = (await this.#readAll(OPEN, first, undefined)).flat();
    this.#look(open, first);
    const closed: number[] = [];
    for (let day = first; day < live; day += DAY_MS) closed.push(day);
    const [kept, fresh] = await Promise.all([
      this.#closed(closed, nowMs),
      this.#readAll(ENDED, live, undefined),
    ]);
    // What has ended since it was read as open is in both.
    const all = new Map([...open, ...kept, ...fresh.flat()].map((build) => [build.project_id, build]));
    this.#evict();
    return [...all.values()];
  }

  async #closed(days: readonly number[], nowMs: number): Promise<BuildRow[]> {
    const old = days.filter((day) => nowMs - (this.#days.get(day)?.readAtMs ?? nowMs) > KEEP_MS);
    const missing = [...days.filter((day) => !this.#days.has(day)), ...old.slice(0, AGAIN)];
    const spans = spansOf(missing.sort((a, b) => a - b)).values();
    // A copy: another call may forget days meanwhile.
    const known = new Map(this.#days);
    const read = async () => {
      for (const span of spans) await this.#readSpan(span, nowMs, known);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, read));
    return days.flatMap((day) => [...(known.get(day)?.builds.values() ?? [])]);
  }

  async #readSpan([from, until]: Span, nowMs: number, known: Map<number, Day>): Promise<void> {
    const builds = (await this.#readAll(ENDED, from, until)).flat();
    for (let at = from; at < until; at += DAY_MS) {
      const day = { readAtMs: nowMs, builds: new Map<string, BuildRow>() };
      known.set(at, day);
      this.#days.set(at, day);
    }
    for (const build of builds) known.get(createdDay(build))?.builds.set(build.project_id, build);
  }

  #readAll(
    statuses: readonly ProjectStatus[],
    from: number,
    until: number | undefined,
  ): Promise<BuildRow[][]> {
    return Promise.all(statuses.map((status) => this.#read(status, from, until)));
  }

  async #read(status: ProjectStatus, from: number, until: number | undefined): Promise<BuildRow[]> {
    const found: BuildRow[] = [];
    const range = { since: toTime(from), until: until === undefined ? undefined : toTime(until) };
    const query = { status, ...range, fields: BUILD_ROW_FIELDS };
    await eachRow(this.#repository.store, query, (row) => found.push(buildRowOf(row, status)));
    return found;
  }

  /** Which builds are open now, and whose day is therefore not what it was. */
  #look(open: readonly BuildRow[], first: number): void {
    const now = new Map(open.map((build) => [build.project_id, createdDay(build)]));
    for (const [id, day] of this.#open)
      if (day < first) now.set(id, day);
      else if (!now.has(id)) this.#days.delete(day);
    for (const [id, day] of now) this.#days.get(day)?.builds.delete(id);
    this.#open = now;
  }

  /** What this process does itself is known at once. */
  #changed(change: ProjectChange): void {
    if (change.kind === "deleted") {
      for (const { builds } of this.#days.values()) builds.delete(change.project_id);
      return;
    }
    const { project } = change;
    const day = this.#days.get(dayOf(Date.parse(project.created_at)));
    if (isEnded(project.status)) day?.builds.set(project.project_id, buildRowOf(project, project.status));
    else day?.builds.delete(project.project_id);
  }

  #evict(): void {
    let kept = 0;
    for (const day of [...this.#days.keys()].sort((a, b) => b - a)) {
      kept += this.#days.get(day)?.builds.size ?? 0;
      if (kept > MAX_KEPT) this.#days.delete(day);
    }
  }
}

/** Days in a row, in parts. */
function spansOf(days: readonly number[]): Span[] {
  const spans: [number, number][] = [];
  for (const day of days) {
    const last = spans.at(-1);
    if (last && last[1] === day && day - last[0] < SPAN_DAYS * DAY_MS) last[1] = day + DAY_MS;
    else spans.push([day, day + DAY_MS]);
  }
  return spans;
}
