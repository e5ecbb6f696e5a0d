import {
  PROJECT_STATUSES,
  type ProjectStatus,
  type ProjectSummary,
  type Repository,
  toTime,
} from "@stagefold/core";
import { type Builds, buildsByDay } from "./builds.ts";
import { lastDates } from "./days.ts";
import { countOverview, type Overview } from "./overview.ts";
import { Remembered } from "./remembered.ts";

const ROWS = 1000;

/** Figures over many builds. They are counted from the lists, and shared by all who ask within a few seconds. */
export class Stats {
  readonly #repository: Repository;
  readonly #overview: Remembered<Overview>;
  readonly #builds: Remembered<Builds>;

  constructor(repository: Repository) {
    this.#repository = repository;
    const now = () => repository.clock.now();
    this.#overview = new Remembered(now);
    this.#builds = new Remembered(now);
  }

  overview(): Promise<Overview> {
    return this.#overview.get("", () => countOverview(this.#repository.store, this.#repository.now()));
  }

  builds(days: number, timeZone: string): Promise<Builds> {
    return this.#builds.get(`${days} ${timeZone}`, async () => {
      const { dates, notBefore } = lastDates(days, timeZone, this.#repository.clock.now());
      const since = toTime(notBefore);
      const rows = await Promise.all(PROJECT_STATUSES.map((status) => this.#all(status, since)));
      // A build that changed its state meanwhile may be in two lists.
      const builds = new Map(rows.flat().map((row) => [row.project_id, row]));
      return buildsByDay([...builds.values()], dates, timeZone);
    });
  }

  async #all(status: ProjectStatus, since: string): Promise<ProjectSummary[]> {
    const found: ProjectSummary[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#repository.lists.projects({ status, since }, ROWS, cursor);
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }
}
