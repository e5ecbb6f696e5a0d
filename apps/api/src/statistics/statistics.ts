import type { Repository } from "@stagefold/core";
import { lastDates } from "./days.ts";
import { type Overview, overviewOf } from "./overview.ts";
import { RecentBuilds } from "./recent-builds.ts";
import { Remembered } from "./stale-while-revalidate.ts";
import { StatusCounts } from "./status-counts.ts";
import { type Builds, buildsByDay } from "./totals.ts";

/** Figures over many builds. They are counted from the lists, and shared by all who ask within a few seconds. */
export class Stats {
  readonly #repository: Repository;
  readonly #overview: Remembered<Overview>;
  readonly #builds: Remembered<Builds>;
  readonly #recent: RecentBuilds;
  readonly #counts: StatusCounts;

  constructor(repository: Repository) {
    this.#repository = repository;
    const now = () => repository.clock.now();
    this.#overview = new Remembered(now);
    this.#builds = new Remembered(now);
    this.#recent = new RecentBuilds(repository);
    this.#counts = new StatusCounts(repository);
  }

  overview(): Promise<Overview> {
    return this.#overview.get("", async () => {
      const at = this.#repository.now();
      return overviewOf(await this.#counts.count(), at);
    });
  }

  builds(days: number, timeZone: string): Promise<Builds> {
    return this.#builds.get(`${days} ${timeZone}`, async () => {
      const { dates, notBefore } = lastDates(days, timeZone, this.#repository.clock.now());
      return buildsByDay(await this.#recent.since(notBefore), dates, timeZone);
    });
  }
}
