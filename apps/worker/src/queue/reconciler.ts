import {
  DEFAULT_POOL,
  type DuePosition,
  type DueWork,
  EXTERNAL_POOL,
  type Item,
  normalise,
  type ProjectStore,
  type Repository,
  scopeOf,
  toTime,
  workQueues,
} from "@stagefold/core";
import type { Logger } from "pino";
import { jittered, sleep } from "../async.ts";
import type { WorkerMetrics } from "../metrics.ts";
import type { Retention } from "./retention.ts";

const LIST_PAGE = 500;
const RETENTION_MS = 60 * 60_000;
const INDEX_PAGE = 1000;
const ITEMS_PAGE = 100;
/** Rows due later that are checked for a wrong clock. */
const MAX_LATER = 2000;
/** Clocks that differ by less count as equal, in milliseconds. */
const CLOCK_TOLERANCE_MS = 2000;
/** Later than any time that is stored. */
const FOREVER = "9999-12-31T23:59:59.999Z";

export interface ReconcilerOptions {
  readonly repository: Repository;
  readonly owner: string;
  readonly metrics: Pick<WorkerMetrics, "reconciled" | "unclaimable">;
  readonly log: Logger;
  /** Between two runs, in milliseconds. */
  readonly everyMs: number;
  /** How long work must have been due before it counts as lost: an index may be a moment behind its table. */
  readonly lostAfterMs: number;
  /** Takes work of this worker's pool, to be claimed when its turn comes. */
  readonly onFound: (rows: readonly DueWork[]) => void;
  readonly retention: Pick<Retention, "removeExpired">;
  /** Those of some sessions and invocations that exist: files of others are removed. All of them unless given. */
  readonly existingTurnOwners?: ((ids: readonly string[]) => Promise<ReadonlySet<string>>) | undefined;
}

/**
 * Index reconciliation: finds due work that the work index lost, which no scan would ever show. It compares the queued,
 * running and waiting projects of the status index with the rows of the work index, and reads only those that differ. It also
 * finds work that is due too late because a clock was ahead when it was written.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #end = new AbortController();
  /** Projects that could not be read; each is logged once. */
  readonly #unreadable = new Set<string>();
  /** Whether the last comparison saw projects that were created later than now. */
  #sawLaterCreation = false;
  /** When builds are looked through next, in monotonic milliseconds. */
  #retainAt = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Runs until stopped. Never rejects. Workers that start together do not run it together. */
  async run(): Promise<void> {
    const { everyMs } = this.#options;
    await this.findMisdated();
    let waitMs = everyMs * Math.random();
    for (;;) {
      await sleep(waitMs, this.#end.signal);
      if (this.#end.signal.aborted) return;
      waitMs = jittered(everyMs);
      await this.#safely(async () => void (await this.reconcile()));
      if (this.#end.signal.aborted) return;
      if (this.#sawLaterCreation) await this.findMisdated();
      await this.purgeDeleted();
      await this.removeExpired();
    }
  }

  stop(): void {
    this.#end.abort();
  }

  /** One comparison of the indexes. Returns the lost work that it found. */
  async reconcile(): Promise<DueWork[]> {
    const { repository, log, lostAfterMs } = this.#options;
    this.#sawLaterCreation = false;
    // The projects first: what leaves the queue meanwhile is then read once more, and not taken for lost.
    const unfinished = [
      ...(await this.#listed("queued")),
      ...(await this.#listed("building")),
      ...(await this.#listed("waiting")),
    ];
    const known = await indexedProjects(repository.store);
    const missing = unfinished.filter((id) => !known.has(id));
    const dueBefore = toTime(repository.clock.now() - lostAfterMs);
    const lost = (await this.#rowsOf(missing)).filter(({ row }) => row.work_due_at <= dueBefore);
    const rows = lost.map(({ row }) => row);
    if (rows.length > 0)
      log.warn({ projects: rows.map((row) => row.project_id) }, "found due work that the index had lost");
    await this.#hand(rows);
    return rows;
  }

  /**
   * Finds queued work that was due at once when it was written, by a clock that was ahead: by the clock of now it would
   * wait as long as that clock was wrong. Never rejects.
   */
  async findMisdated(): Promise<void> {
    await this.#safely(async () => {
      const { repository, log } = this.#options;
      const later = await queuedForLater(repository.store, toTime(repository.clock.now()));
      const limit = this.#laterThanNow();
      const found = (await this.#rowsOf(later)).filter(
        ({ row, updatedAt }) => updatedAt > limit && row.work_due_at <= updatedAt,
      );
      const rows = found.map(({ row }) => row);
      if (rows.length > 0)
        log.warn(
          { projects: rows.map((row) => row.project_id) },
          "found work dated by a clock that was ahead",
        );
      await this.#hand(rows);
    });
  }

  /** No clock that is right writes a time after this one now. */
  #laterThanNow(): string {
    return toTime(this.#options.repository.clock.now() + CLOCK_TOLERANCE_MS);
  }

  /** Removes files that late writes have brought of deleted builds. Never rejects. */
  async purgeDeleted(): Promise<void> {
    const { repository, log, existingTurnOwners } = this.#options;
    await this.#safely(async () => {
      const purged = await repository.control.purgeDeleted(
        (error) => log.warn({ err: error }, "an old log could not be sealed; it is tried again later"),
        existingTurnOwners,
      );
      if (purged > 0) log.info({ projects: purged }, "removed late files of deleted builds");
    }, "late files of deleted builds could not be removed; it is tried again later");
  }

  /** Removes builds that were kept long enough, once an hour. Never rejects. */
  async removeExpired(): Promise<void> {
    const now = performance.now();
    if (now < this.#retainAt) return;
    this.#retainAt = now + jittered(RETENTION_MS);
    await this.#safely(
      async () => void (await this.#options.retention.removeExpired(() => this.#end.signal.aborted)),
      "builds that were kept long enough could not be removed; it is tried again later",
    );
  }

  async #safely(
    action: () => Promise<void>,
    problem = "the work index could not be reconciled; it is tried again later",
  ): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#options.log.warn({ err: error }, problem);
    }
  }

  async #listed(status: "queued" | "building" | "waiting"): Promise<string[]> {
    const ids: string[] = [];
    const limit = this.#laterThanNow();
    for (let cursor: string | undefined; ; ) {
      const page = await this.#options.repository.store.list({
        status,
        limit: LIST_PAGE,
        fields: ["created_at"],
        cursor,
      });
      ids.push(...page.items.map((row) => String(row.project_id)));
      if (page.items.some((row) => String(row.created_at) > limit)) this.#sawLaterCreation = true;
      cursor = page.next;
      if (cursor === undefined) return ids;
    }
  }

  /** The rows that the work index should have of these projects. */
  async #rowsOf(ids: readonly string[]): Promise<{ row: DueWork; updatedAt: string }[]> {
    const { store } = this.#options.repository;
    const rows: { row: DueWork; updatedAt: string }[] = [];
    for (let from = 0; from < ids.length; from += ITEMS_PAGE) {
      const items = await store.getMany(ids.slice(from, from + ITEMS_PAGE));
      rows.push(...items.flatMap((item) => this.#rowOf(item) ?? []));
    }
    return rows;
  }

  /** An item that cannot be read concerns itself alone: it is counted, and the others are handled. */
  #rowOf(item: Item): { row: DueWork; updatedAt: string } | undefined {
    try {
      const { status, project_id, work_queue, work_due_at, user_id, pipeline, lease, updated_at } =
        normalise(item);
      // A gate without a time-out is in no queue.
      if (status !== "queued" && status !== "building" && status !== "waiting") return undefined;
      if (work_queue === undefined || work_due_at === undefined) return undefined;
      const { owner, claims } = lease;
      const row = { project_id, work_queue, work_due_at, user_id, pipeline, lease: { owner, claims } };
      return { row, updatedAt: updated_at };
    } catch (error) {
      this.#putAside(String(item.project_id), error);
      return undefined;
    }
  }

  #putAside(projectId: string, error: unknown): void {
    if (scopeOf(error) !== "project") throw error;
    const { metrics, log } = this.#options;
    metrics.unclaimable.inc({ reason: "error" });
    const level = this.#unreadable.has(projectId) ? "debug" : "error";
    this.#unreadable.add(projectId);
    log[level](
      { project: projectId, err: error },
      "an unfinished build cannot be reconciled: it is left out",
    );
  }

  async #hand(rows: readonly DueWork[]): Promise<void> {
    const external = rows.filter((row) => row.work_queue.startsWith(`${EXTERNAL_POOL}#`));
    this.#options.onFound(rows.filter((row) => !external.includes(row)));
    for (const row of external) {
      try {
        await this.#putBack(row);
      } catch (error) {
        this.#putAside(row.project_id, error);
      }
    }
  }

  /** Work of outside programs: a claim and a release write its row anew. */
  async #putBack(row: DueWork): Promise<void> {
    const { repository, owner, metrics } = this.#options;
    const { project_id, work_queue, work_due_at: dueBy } = row;
    const claimed = await repository.work.claim(project_id, owner, work_queue, { dueBy });
    if (!claimed) return;
    const { lease_token, lease_seq } = claimed;
    const lease = { project_id, lease_token, lease_seq: lease_seq + 1 };
    await repository.work.report({ ...lease, events: [], release: true });
    metrics.reconciled.inc();
  }
}

/** The ids of all projects that the work index has, due or not. */
async function indexedProjects(store: ProjectStore): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const queue of allQueues()) {
    for (let after: DuePosition | undefined; ; ) {
      const rows = await store.due(queue, FOREVER, INDEX_PAGE, { after });
      for (const row of rows) ids.add(row.project_id);
      after = rows.at(-1);
      if (rows.length < INDEX_PAGE) break;
    }
  }
  return ids;
}

/** Queued projects that are due after `now`, up to a bound. */
async function queuedForLater(store: ProjectStore, now: string): Promise<string[]> {
  const ids: string[] = [];
  for (const queue of allQueues()) {
    for (let after: DuePosition | undefined; ids.length < MAX_LATER; ) {
      const rows = await store.due(queue, FOREVER, INDEX_PAGE, { since: now, after });
      ids.push(...rows.filter((row) => row.lease?.owner === undefined).map((row) => row.project_id));
      after = rows.at(-1);
      if (rows.length < INDEX_PAGE) break;
    }
  }
  return ids;
}

function allQueues(): string[] {
  return ([DEFAULT_POOL, EXTERNAL_POOL] as const).flatMap((pool) =>
    [1, 2, 3, 4, 5].flatMap((priority) => workQueues(pool, priority)),
  );
}
