import type { Item } from "../patch/index.ts";
import type { DueWork } from "../ports/project-store.ts";
import { fromTime, toTime } from "../snapshot/time.ts";

/** Rows that one look reads at the most, some 5 MB. The next look continues behind them. */
const MAX_ROWS = 30_000;
/** Rows may become due, or visible, a moment late: that much of what was looked at is looked at again. */
const OVERLAP_MS = 10_000;
/** After so long a queue is looked through from its beginning, for each so many rows that this takes. Milliseconds. */
const RESCAN_MS = 30_000;
const RESCAN_ROWS = 6000;
const MAX_SCANS = 1000;

/** Where the next look begins. */
interface ScanPosition {
  /** Due from here on (inclusive). */
  readonly since: string | undefined;
  /** Behind this row, where a look ended before the queue did. */
  readonly after: Item | undefined;
  /** Monotonic milliseconds from which on the queue is looked through anew; infinite before it has been once. */
  readonly rescanAt: number;
  /** What that took. */
  readonly rows: number;
}

/** One page of a queue's work of some pipelines, among so many rows `scanned`. `last`: it was cut behind this row. */
export type ReadPage = (position: Pick<ScanPosition, "since" | "after">) => Promise<{
  readonly rows: readonly DueWork[];
  readonly scanned: number;
  readonly last: Item | undefined;
}>;

/**
 * Due work of some pipelines among very much of others. The index is by queue alone, so other work must be read past,
 * but once is enough: where nothing was found, the next look begins at what has become due since.
 */
export class PipelineScans {
  readonly #positions = new Map<string, ScanPosition>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  async look(
    queue: string,
    pipelines: readonly string[],
    dueBy: string,
    limit: number,
    read: ReadPage,
  ): Promise<readonly DueWork[]> {
    const key = JSON.stringify([queue, [...pipelines].sort()]);
    const position = this.#positionOf(key, dueBy);
    const found: DueWork[] = [];
    let { after } = position;
    let scanned = 0;
    do {
      const page = await read({ since: position.since, after });
      found.push(...page.rows);
      after = page.last;
      scanned += page.scanned;
    } while (after !== undefined && found.length < limit && scanned < MAX_ROWS);
    // What was found may be there the next time too; nothing before it is wanted.
    const next = found[0]
      ? { since: found[0].work_due_at, after: undefined }
      : { since: after ? position.since : toTime(fromTime(dueBy) - OVERLAP_MS), after };
    const first = position.rescanAt === Number.POSITIVE_INFINITY;
    const all = first ? position.rows + scanned : position.rows;
    const through = found.length > 0 || after === undefined;
    const rescanAt =
      first && through ? this.#now() + RESCAN_MS * Math.max(1, all / RESCAN_ROWS) : position.rescanAt;
    this.#keep(key, { ...next, rows: all, rescanAt });
    return found.slice(0, limit);
  }

  #positionOf(key: string, dueBy: string): ScanPosition {
    const known = this.#positions.get(key);
    const isGood = known && known.rescanAt > this.#now() && (known.since ?? "") <= dueBy;
    return isGood
      ? known
      : { since: undefined, after: undefined, rows: 0, rescanAt: Number.POSITIVE_INFINITY };
  }

  #keep(key: string, position: ScanPosition): void {
    this.#positions.delete(key);
    this.#positions.set(key, position);
    const oldest = this.#positions.keys().next();
    if (this.#positions.size > MAX_SCANS && !oldest.done) this.#positions.delete(oldest.value);
  }
}
