import { type Agents, type ProjectSummary, type Repository, scopeOf, toTime } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";
import type { Logger } from "pino";

const ENDED = ["completed", "failed", "cancelled"] as const;
const PAGE = 200;
const DAY_MS = 86_400_000;

export interface RetentionOptions {
  readonly repository: Repository;
  readonly pipelines: PipelineRegistry;
  /** A build is kept while a version of an agent needs its files. */
  readonly agents: Pick<Agents, "usersOf"> | undefined;
  /** Of builds whose pipeline says nothing; undefined keeps them. */
  readonly retentionDays: number | undefined;
  readonly log: Logger;
}

/** Deletes builds that ended longer ago than their pipeline, or the setting, keeps them. */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Returns how many builds were deleted. Errors: those of the store; one build never keeps others from their turn. */
  async removeExpired(isStopped: () => boolean = () => false): Promise<number> {
    const { pipelines, retentionDays, repository, log } = this.#options;
    const periods = pipelines.list().flatMap(({ retention_days }) => retention_days ?? []);
    const shortest = Math.min(...periods, retentionDays ?? Number.POSITIVE_INFINITY);
    if (shortest === Number.POSITIVE_INFINITY) return 0;
    const now = repository.clock.now();
    let removed = 0;
    for (const status of ENDED) {
      // A build has ended after it was created; `until` itself is not in the list.
      const filter = { status, until: toTime(now - shortest * DAY_MS + 1) };
      for (let cursor: string | undefined; !isStopped(); ) {
        const page = await repository.lists.projects(filter, PAGE, cursor);
        for (const row of page.items) if (await this.#remove(row, now)) removed += 1;
        if (page.next_cursor === null) break;
        cursor = page.next_cursor;
      }
    }
    if (removed > 0) log.info({ projects: removed }, "removed builds that had been kept long enough");
    return removed;
  }

  async #remove(row: ProjectSummary, now: number): Promise<boolean> {
    const { pipelines, retentionDays, repository, agents, log } = this.#options;
    const own = row.pipeline === undefined ? undefined : pipelines.get(row.pipeline)?.retention_days;
    const days = own ?? retentionDays;
    if (days === undefined || row.completed_at === undefined) return false;
    const before = toTime(now - days * DAY_MS);
    if (row.completed_at > before) return false;
    try {
      const users = (await agents?.usersOf(row)) ?? [];
      if (users.length > 0) return false;
      return await repository.control.deleteEnded(row.project_id, before);
    } catch (error) {
      if (scopeOf(error) !== "project") throw error;
      log.warn(
        { project: row.project_id, err: error },
        "a build could not be removed; it is tried again later",
      );
      return false;
    }
  }
}
