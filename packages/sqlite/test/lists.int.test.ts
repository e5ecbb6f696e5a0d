import { type ListQuery, MemoryProjectStore, PROJECT_STATUSES, type ProjectStore } from "@stagefold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { aDatabase } from "./folder.ts";
import { aNewProject } from "./projects.ts";

const users = ["ada", "Ada", "grace", "日本", "a\0b", "a\0c", "\ud83d", "\u0001x"] as const;
const texts = ["calc", "CALC", "ada", "日", "%", "_", "a\0", "\ud83d", "zzz", "proj_", "\n"] as const;
const seconds = fc.integer({ min: 0, max: 5 }).map((n) => `2026-01-01T00:00:0${n}.000Z`);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const project = fc.record(
  {
    user_id: fc.constantFrom(...users),
    user_name: fc.constantFrom("Ada Lovelace", "GRACE", "a\nb"),
    status: fc.constantFrom(...PROJECT_STATUSES, "PENDING", "in_progress", 7),
    agent_id: fc.constantFrom("agent_000000000001", "agent_000000000002", "x\0y"),
    pipeline: fc.constantFrom("docs", "agent-build"),
    tags: fc.constantFrom([], ["demo"], ["demo", "Ada"], "demo"),
    created_at: fc.oneof(seconds, fc.constantFrom("2025-12-31T00:00:00.123456Z", 5)),
    run: fc.constantFrom(1, 2, undefined),
    project_name: fc.constantFrom("calculator", "Ada's", "50%_off"),
  },
  { requiredKeys: [] },
);
const filter: fc.Arbitrary<Omit<ListQuery, "limit">> = fc.record({
  user_id: maybe(fc.constantFrom(...users)),
  status: maybe(fc.constantFrom(...PROJECT_STATUSES)),
  agent_id: maybe(fc.constantFrom("agent_000000000001", "x\0y")),
  pipeline: maybe(fc.constantFrom("docs", "agent-build", "none")),
  tag: maybe(fc.constantFrom("demo", "Ada")),
  text: maybe(fc.constantFrom(...texts)),
  since: maybe(seconds),
  until: maybe(seconds),
});

async function walk(store: ProjectStore, query: Omit<ListQuery, "limit">, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...query, limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    ids.push(...page.items.map((item) => String(item.project_id)));
    cursor = page.next;
  } while (cursor !== undefined);
  return ids;
}

it("lists and counts are those of the reference, with any filter, for projects of any age", async () => {
  const property = fc.asyncProperty(
    fc.array(project, { maxLength: 25 }),
    fc.array(filter, { minLength: 1, maxLength: 12 }),
    fc.integer({ min: 1, max: 4 }),
    async (given, filters, limit) => {
      await using database = await aDatabase();
      const memory = new MemoryProjectStore();
      for (const fields of given) {
        const item = aNewProject(fields);
        for (const store of [memory, database.sqlite.projects])
          await store.write({
            kind: "put",
            transition: "create",
            project_id: item.project_id,
            guards: [],
            item,
          });
      }
      for (const one of filters)
        expect(await walk(database.sqlite.projects, one, limit), JSON.stringify(one)).toEqual(
          await walk(memory, one, limit),
        );
      expect(await database.sqlite.projects.counts()).toEqual(await memory.counts());
    },
  );
  await fc.assert(property, { numRuns: SOAK ? 1000 : 40 });
});
