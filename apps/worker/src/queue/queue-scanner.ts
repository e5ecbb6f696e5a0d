import type { DuePosition, DueWork } from "@stagefold/core";
import { jittered } from "../async.ts";

/** Rows that a scan reads of the front of a queue, and behind it. */
const FRONT_ROWS = 50;
const BEHIND_ROWS = 250;
/** Reads behind the front that may be saved up, and the milliseconds in which one more is allowed. */
const BEHIND_SAVED = 20;
const BEHIND_EVERY_MS = 1000;
/** Rows found behind the front that are kept: of one kind, kinds, and for how long in milliseconds. */
const KEPT_OF_KIND = 20;
const KINDS_KEPT = 200;
const KEPT_MS = 60_000;

/** How long the rows of a scan are good enough to fill slots that become free, in milliseconds. */
const FRONT_KEPT_MS = 500;

interface Front {
  readonly queue: string;
  readonly rows: readonly DueWork[];
}

export type ReadQueue = (queue: string, limit: number, after?: DuePosition) => Promise<readonly DueWork[]>;

interface Kept {
  readonly row: DueWork;
  readonly until: number;
}

/**
 * Reads the due work of one priority: the rows at the front of its queues and, where there are more behind them, rows of
 * other kinds (a user's, of a pipeline) from further back. One user's builds may fill the front by the thousand, so each
 * read behind the front continues where the last one ended, round and round. The cost is bounded: a row has about 150
 * bytes, a read behind the front gives 250 of them, and in the long run there is one of these a second.
 */
export class QueueScanner {
  readonly #queues: readonly string[];
  readonly #readQueue: ReadQueue;
  readonly #now: () => number;
  /** Where the last read behind the front of each queue ended. */
  readonly #positions = new Map<string, DuePosition>();
  /** By kind, then by project. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  #fronts: { readonly fronts: readonly Front[]; readonly at: number } | undefined;
  /** Rows of those fronts that were claimed, here or elsewhere. */
  readonly #used = new Set<string>();
  #saved = BEHIND_SAVED;
  #savedAt: number;

  /** `now` gives monotonic milliseconds. */
  constructor(queues: readonly string[], readQueue: ReadQueue, now = () => performance.now()) {
    this.#queues = queues;
    this.#readQueue = readQueue;
    this.#now = now;
    this.#savedAt = now();
  }

  /**
   * The rows that can be claimed, the longest due first; then those found further behind. Without `fresh` the rows of a
   * scan a moment ago are good enough: many short builds then do not cost a scan each.
   */
  async rows(isClaimable: (row: DueWork) => boolean, fresh = true): Promise<DueWork[]> {
    const recent = fresh ? undefined : this.#recent(isClaimable);
    if (recent) return recent;
    const fronts = await Promise.all(
      this.#queues.map(async (queue) => ({ queue, rows: await this.#readQueue(queue, FRONT_ROWS) })),
    );
    this.#fronts = { fronts, at: this.#now() };
    this.#used.clear();
    const front = fronts
      .flatMap(({ rows }) => rows.filter(isClaimable))
      .sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const kinds = new Set(front.map(kindOf));
    const isOther = (row: DueWork) => isClaimable(row) && !kinds.has(kindOf(row));
    for (const { queue, rows } of fronts) {
      const last = rows.at(-1);
      if (last && rows.length >= FRONT_ROWS) await this.#readBehind(queue, last, isOther);
      else this.#positions.delete(queue);
    }
    const shown = new Set(front.map((row) => row.project_id));
    return [...front, ...this.#stillKept().filter((row) => isClaimable(row) && !shown.has(row.project_id))];
  }

  /** A row that no scan of the front shows; it is kept for so many milliseconds, if there is room. */
  offer(row: DueWork, keptMs = KEPT_MS): void {
    const kind = kindOf(row);
    const ofKind = this.#kept.get(kind) ?? new Map<string, Kept>();
    const full = ofKind.size >= KEPT_OF_KIND || (ofKind.size === 0 && this.#kept.size >= KINDS_KEPT);
    if (full && !ofKind.has(row.project_id)) return;
    ofKind.set(row.project_id, { row, until: this.#now() + keptMs });
    this.#kept.set(kind, ofKind);
  }

  /** The row was claimed, here or elsewhere. */
  forget(row: DueWork): void {
    this.#used.add(row.project_id);
    const ofKind = this.#kept.get(kindOf(row));
    ofKind?.delete(row.project_id);
    if (ofKind?.size === 0) this.#kept.delete(kindOf(row));
  }

  /** Undefined when the last scan is too old, or there may be more rows than it showed. */
  #recent(isClaimable: (row: DueWork) => boolean): DueWork[] | undefined {
    if (!this.#fronts || this.#now() - this.#fronts.at > FRONT_KEPT_MS) return undefined;
    const all = this.#fronts.fronts.flatMap(({ rows }) => rows);
    const left = all.filter((row) => !this.#used.has(row.project_id) && isClaimable(row));
    if (left.length === 0 && all.length > 0) return undefined;
    const shown = new Set(left.map((row) => row.project_id));
    const others = this.#stillKept().filter((row) => isClaimable(row) && !shown.has(row.project_id));
    return [...left.sort((a, b) => (isBefore(a, b) ? -1 : 1)), ...others];
  }

  /** Reads until it finds a row that is wanted, has been all the way round, or has used up what was saved. */
  async #readBehind(queue: string, front: DuePosition, isWanted: (row: DueWork) => boolean): Promise<void> {
    let found = false;
    while (!found && this.#mayRead()) {
      const known = this.#positions.get(queue);
      const after = known && isBefore(front, known) ? known : front;
      const rows = await this.#readQueue(queue, BEHIND_ROWS, after);
      const wanted = rows.filter(isWanted);
      found = wanted.length > 0;
      for (const row of wanted) this.offer(row);
      const last = rows.at(-1);
      if (!last || rows.length < BEHIND_ROWS) {
        this.#positions.delete(queue);
        return;
      }
      this.#positions.set(queue, last);
    }
  }

  #mayRead(): boolean {
    const now = this.#now();
    const everyMs = jittered(BEHIND_EVERY_MS);
    this.#saved = Math.min(BEHIND_SAVED, this.#saved + (now - this.#savedAt) / everyMs);
    this.#savedAt = now;
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }

  #stillKept(): DueWork[] {
    const now = this.#now();
    const all = [...this.#kept.values()].flatMap((ofKind) => [...ofKind.values()]);
    for (const { row, until } of all) if (until < now) this.forget(row);
    return all.filter(({ until }) => until >= now).map(({ row }) => row);
  }
}

/** Rows of one kind are the same to limits and turns. */
function kindOf({ user_id = "", pipeline = "" }: DueWork): string {
  return `${user_id}\0${pipeline}`;
}

function isBefore(a: DuePosition, b: DuePosition): boolean {
  return a.work_due_at !== b.work_due_at ? a.work_due_at < b.work_due_at : a.project_id < b.project_id;
}
