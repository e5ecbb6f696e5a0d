import { createMemoryFileStores, type ProjectFilter, Repository } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINES, startStore } from "./store.ts";

const AT = Date.parse("2026-03-01T12:00:00.000Z");
const PROJECTS = 24;

// In which order an engine keeps rows of the same moment is its own business, and differs from engine to engine.
describe.each(ENGINES)("lists of projects that were made in the same millisecond, on %s", (engine) => {
  let running: Awaited<ReturnType<typeof startStore>> | undefined;
  let repository: Repository;
  const made: string[] = [];

  beforeAll(async () => {
    running = await startStore(engine);
    const clock = { now: () => AT };
    repository = new Repository({ store: running.store, ...createMemoryFileStores(), clock });
    const plan = { pipeline: "p", pipeline_version: "1", stages: [{ stage: "one" }] };
    for (let n = 0; n < PROJECTS; n++) {
      const request = { requirement: "r", user_id: "u", idempotency_key: `key ${n}` };
      const { project_id } = await repository.control.create(request, plan);
      // Rows of two states, so that the list of all has two sources.
      if (n % 2 === 0) await repository.control.cancel(project_id);
      made.push(project_id);
    }
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });

  async function allPages(filter: ProjectFilter, limit: number): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await repository.lists.projects(filter, limit, cursor);
      ids.push(...page.items.map((item) => item.project_id));
      if (page.next_cursor === null) return ids;
      cursor = page.next_cursor;
    }
  }

  const even = (_id: string, n: number) => n % 2 === 0;
  test.each([
    ["all", {}, () => true],
    ["of a user", { user_id: "u" }, () => true],
    ["of a state", { status: "cancelled" as const }, even],
    ["with a text", { text: "u", status: "cancelled" as const }, even],
  ])("%s have each once, however they are paged", async (_name, filter, isIn) => {
    const expected = made.filter(isIn).sort();
    for (const limit of [1, 2, 3, 5, 7, 50]) {
      expect((await allPages(filter, limit)).sort(), `${limit} at once`).toEqual(expected);
    }
  });
});
