import {
  DEFAULT_POOL,
  type DuePosition,
  type DueWork,
  EXTERNAL_POOL,
  type Item,
  isStagefoldError,
  normalise,
  type Project,
  type ProjectStore,
  type Repository,
  workQueues,
} from "@stagefold/core";
import type { Logger } from "pino";
import { jittered, sleep } from "../async.ts";
import type { WorkerMetrics } from "../metrics.ts";

const PAGE = 500;

export interface ReconcilerOptions {
  readonly repository: Repository;
  readonly owner: string;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  /** Between two sweeps, in milliseconds. */
  readonly everyMs: number;
  /** How long work must have been due before it counts as lost: an index may be a moment behind its table. */
  readonly lostAfterMs: number;
  /** Takes lost work of this worker's pool, to be claimed when its turn comes. */
  readonly onFound: (rows: readonly DueWork[]) => void;
}

/**
 * The slow sweep: finds due work that the work index has lost, and which nobody would ever claim. It compares the
 * queued and running projects of the status index with the rows of the work index, and reads only those that differ.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #end = new AbortController();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Sweeps until stopped. Never rejects. Workers that start together do not sweep together. */
  async run(): Promise<void> {
    const { everyMs, log } = this.#options;
    let waitMs = everyMs * Math.random();
    for (;;) {
      await sleep(waitMs, this.#end.signal);
      if (this.#end.signal.aborted) return;
      waitMs = jittered(everyMs);
      try {
        await this.sweep();
      } catch (error) {
        log.warn({ err: error }, "looking for work that the index lost failed; it is tried again later");
      }
    }
  }

  stop(): void {
    this.#end.abort();
  }

  /** One sweep. Returns what it found. */
  async sweep(): Promise<DueWork[]> {
    const { repository, onFound, log } = this.#options;
    // The projects first: what leaves the queue meanwhile is then looked at once more, and not taken for lost.
    const unfinished = [...(await this.#listed("queued")), ...(await this.#listed("building"))];
    const known = await indexedProjects(repository.store);
    const missing = unfinished.filter((id) => !known.has(id));
    const lost: DueWork[] = [];
    for (let from = 0; from < missing.length; from += 100) {
      const items = await repository.store.getMany(missing.slice(from, from + 100));
      lost.push(...items.flatMap((item) => this.#dueRow(item) ?? []));
    }
    if (lost.length > 0)
      log.warn({ projects: lost.map((row) => row.project_id) }, "found due work that the index had lost");
    const external = lost.filter((row) => row.work_queue.startsWith(`${EXTERNAL_POOL}#`));
    onFound(lost.filter((row) => !external.includes(row)));
    for (const row of external) await this.#putBack(row);
    return lost;
  }

  async #listed(status: "queued" | "building"): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#options.repository.store.list({ status, limit: PAGE, fields: [], cursor });
      ids.push(...page.items.map((row) => String(row.project_id)));
      cursor = page.next;
      if (cursor === undefined) return ids;
    }
  }

  /** The row that the index should have, of a project whose time has come a good while ago. */
  #dueRow(item: Item): DueWork | undefined {
    const { repository, lostAfterMs } = this.#options;
    const project = readable(item);
    if (!project || (project.status !== "queued" && project.status !== "building")) return undefined;
    const { project_id, work_queue, work_due_at, user_id, pipeline } = project;
    if (work_queue === undefined || work_due_at === undefined) return undefined;
    if (Date.parse(work_due_at) + lostAfterMs > repository.clock.now()) return undefined;
    return { project_id, work_queue, work_due_at, user_id, pipeline, lease: { owner: project.lease.owner } };
  }

  /** Others run it: claiming it and giving it back writes its row anew. */
  async #putBack(row: DueWork): Promise<void> {
    const { repository, owner, metrics } = this.#options;
    const claimed = await repository.work.claim(row.project_id, owner, row.work_queue);
    if (!claimed) return;
    const { lease_token, lease_seq } = claimed;
    const lease = { project_id: row.project_id, lease_token, lease_seq: lease_seq + 1 };
    await repository.work.report({ ...lease, events: [], release: true });
    metrics.rescues.inc();
  }
}

/** A snapshot that cannot be read is nobody's work. */
function readable(item: Item): Project | undefined {
  try {
    return normalise(item);
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}

/** Rows of one query. */
const INDEX_PAGE = 1000;
/** Later than any time that is stored. */
const FOREVER = "9999-12-31T23:59:59.999Z";

/** The ids of all projects that the work index has, due or not. */
async function indexedProjects(store: ProjectStore): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const pool of [DEFAULT_POOL, EXTERNAL_POOL] as const)
    for (const priority of [1, 2, 3, 4, 5])
      for (const queue of workQueues(pool, priority)) await addQueue(ids, store, queue);
  return ids;
}

async function addQueue(ids: Set<string>, store: ProjectStore, queue: string): Promise<void> {
  for (let after: DuePosition | undefined; ; ) {
    const rows = await store.due(queue, FOREVER, INDEX_PAGE, { after });
    for (const row of rows) ids.add(row.project_id);
    after = rows.at(-1);
    if (rows.length < INDEX_PAGE) return;
  }
}
