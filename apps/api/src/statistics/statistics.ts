import type { ChangeFeed, Repository, StatusCounts } from "@stagefold/core";
import { projectStatusSchema, timeSchema } from "@stagefold/core";
import { z } from "zod";
import { DailyRollup } from "./daily-rollup.ts";
import { lastDates } from "./days.ts";
import { type Builds, buildsByDay, successRate } from "./totals.ts";

/** Answers are shared for as long as it took to work them out, nine times over, but within these bounds. */
const MIN_KEEP_MS = 3000;
const MAX_KEEP_MS = 8000;
const MAX_ANSWERS = 100;

export const overviewSchema = z.object({
  total: z.number(),
  by_status: z.record(projectStatusSchema, z.number()),
  /** Held by a worker, or about to be taken over. */
  running: z.number(),
  /** Completed of those completed or failed, 0 … 1; null where there are none. */
  success_rate: z.number().nullable(),
  /** When this was counted. */
  at: timeSchema,
});
export type Overview = z.output<typeof overviewSchema>;

export interface BuildsQuery {
  readonly days: number;
  readonly time_zone: string;
  readonly pipeline?: string | undefined;
  /** A part of a user's id or name. */
  readonly user?: string | undefined;
  /** Whether the days before are wanted too. */
  readonly before?: boolean | undefined;
}

/** Totals over many builds, never older than ten seconds. */
export class Statistics {
  readonly #repository: Repository;
  readonly #overview: SharedAnswers<Overview>;
  readonly #builds: SharedAnswers<Builds>;
  readonly #rollup: DailyRollup;

  /** `monotonic` gives milliseconds: a clock that is set back keeps no answer longer. */
  constructor({
    repository,
    feed,
    monotonic = () => performance.now(),
  }: {
    readonly repository: Repository;
    readonly feed: ChangeFeed;
    readonly monotonic?: (() => number) | undefined;
  }) {
    this.#repository = repository;
    this.#overview = new SharedAnswers(monotonic);
    this.#builds = new SharedAnswers(monotonic);
    this.#rollup = new DailyRollup(repository, feed, monotonic);
  }

  overview(): Promise<Overview> {
    return this.#overview.get("", async () => {
      const at = this.#repository.now();
      return overviewOf(await this.#repository.store.counts(), at);
    });
  }

  builds({ days, time_zone, pipeline, user, before = false }: BuildsQuery): Promise<Builds> {
    return this.#builds.get(JSON.stringify([days, time_zone, pipeline, user, before]), async () => {
      const { dates, notBefore } = lastDates(
        before ? 2 * days : days,
        time_zone,
        this.#repository.clock.now(),
      );
      const all = await this.#rollup.since(notBefore);
      const wanted = user?.toLowerCase();
      const rows = all.filter(
        (row) =>
          (pipeline === undefined || row.pipeline === pipeline) &&
          (wanted === undefined ||
            [row.user_id, row.user_name].some((name) => name?.toLowerCase().includes(wanted))),
      );
      return buildsByDay(rows, dates, time_zone, days);
    });
  }
}

function overviewOf(counts: Readonly<StatusCounts>, at: string): Overview {
  return {
    total: Object.values(counts).reduce((sum, count) => sum + count, 0),
    by_status: { ...counts },
    running: counts.building,
    success_rate: successRate(counts.completed, counts.failed),
    at,
  };
}

interface Answer<T> {
  readonly value: Promise<T>;
  /** Monotonic milliseconds; none while it is being worked out. */
  until?: number;
}

/** Answers shared by those who ask the same at about the same time. An answer that failed is not kept. */
class SharedAnswers<T> {
  readonly #answers = new Map<string, Answer<T>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known && (known.until === undefined || this.#now() < known.until)) return known.value;
    const answer: Answer<T> = { value: ask() };
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > MAX_ANSWERS && !oldest.done) this.#answers.delete(oldest.value);
    void this.#settle(key, answer);
    return answer.value;
  }

  async #settle(key: string, answer: Answer<T>): Promise<void> {
    const asked = this.#now();
    try {
      await answer.value;
      const took = this.#now() - asked;
      answer.until = asked + Math.min(MAX_KEEP_MS, Math.max(MIN_KEEP_MS, 9 * took));
    } catch {
      // Those who asked get the error itself; the next to ask starts anew.
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    }
  }
}
