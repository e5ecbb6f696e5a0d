import {
  type DueWork,
  EXTERNAL_POOL,
  type Item,
  isStagefoldError,
  type ListPosition,
  normalise,
  type Project,
  type Repository,
} from "@stagefold/core";
import type { Logger } from "pino";
import { jittered, sleep } from "../async.ts";
import type { WorkerMetrics } from "../metrics.ts";
import { allWork } from "./all-work.ts";

const PAGE = 500;

export interface LostWorkOptions {
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
export class LostWork {
  readonly #options: LostWorkOptions;
  readonly #end = new AbortController();

  constructor(options: LostWorkOptions) {
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
    const known = await allWork(repository.store);
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
    for (let after: ListPosition | undefined; ; ) {
      const page = await this.#options.repository.store.list({ status, limit: PAGE, after });
      ids.push(...page.items.map((row) => String(row.project_id)));
      const last = page.items.at(-1);
      if (!page.more || !last) return ids;
      after = { created_at: String(last.created_at), project_id: String(last.project_id) };
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
