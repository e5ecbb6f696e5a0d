import { type ChangeFeed, type Item, MemoryProjectStore, type Repository, toTime } from "@stagefold/core";
import { expect, it, vi } from "vitest";
import { memoryDeps, TestClock } from "../../test/fixture.ts";
import { putAll, yearOfBuilds } from "../../test/year-of-builds.ts";
import { DailyRollup } from "./daily-rollup.ts";

const DAY_MS = 86_400_000;
/** A feed that sees nothing. */
const SILENT: ChangeFeed = {
  watchProject: () => () => undefined,
  watchRows: () => () => undefined,
  watchWork: () => () => undefined,
};
const PLAN = { pipeline: "p", pipeline_version: "1", stages: [{ stage: "one" }] };

const sorted = <T extends { project_id: string }>(builds: T[]) =>
  builds.sort((a, b) => (a.project_id < b.project_id ? -1 : 1));

/** A seeded random source: the same numbers on every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

async function complete(repository: Repository, id: string): Promise<void> {
  const known = await repository.get(id);
  const claim = await repository.work.claim(id, "w", known.work_queue);
  if (!claim) throw new Error(`expected to claim ${id}`);
  await repository.work.report({
    project_id: id,
    lease_token: claim.lease_token,
    lease_seq: claim.lease_seq + 1,
    events: [
      { event: "started", stage: "one" },
      { event: "completed", stage: "one" },
    ],
  });
}

it.each([1, 2, 3])(
  "gives the same as a reading of everything, whatever others do meanwhile (seed %i)",
  async (seed) => {
    const random = randomOf(seed);
    const store = new MemoryProjectStore();
    const clock = new TestClock();
    // Another process, whose writes come by the feed alone.
    const other = { ...memoryDeps(store), clock }.repository;
    const mine = memoryDeps(store);
    const rollup = new DailyRollup(mine.repository, mine.feed, mine.monotonic);
    const ids: string[] = [];
    let ms = clock.now();
    const pass = (seconds: number) => {
      ms += seconds * 1000;
      for (const one of [clock, mine.clock]) one.set(toTime(ms));
    };
    for (let step = 0; step < 150; step++) {
      const by = random(2) === 0 ? mine.repository : other;
      const id = ids[random(Math.max(1, ids.length))];
      const status = id === undefined ? undefined : (await by.get(id)).status;
      const action = random(6);
      if (action <= 1 || id === undefined)
        ids.push((await by.control.create({ requirement: "r" }, PLAN)).project_id);
      else if (action === 2 && status === "queued") await complete(by, id);
      else if (action === 3 && status === "queued") await by.control.cancel(id);
      else if (action === 4 && status !== "queued") await by.control.retry(id, { from_stage: "one" });
      else if (action === 5) {
        await by.control.delete(id);
        ids.splice(ids.indexOf(id), 1);
      }
      pass(random(8) * 3600 + 120);
      if (random(3) === 0) continue;
      const from = ms - (1 + random(9)) * DAY_MS;
      const expected = await new DailyRollup(mine.repository, mine.feed, mine.monotonic).since(from);
      expect(sorted(await rollup.since(from)), `seed ${seed}, step ${step}`).toEqual(sorted(expected));
    }
    expect(ids.length).toBeGreaterThan(10);
  },
);

it("reads closed days once, and then today's and the open ones alone", async () => {
  const deps = memoryDeps();
  const nowMs = Date.parse("2025-06-01T10:00:00.000Z");
  await putAll(deps.store, yearOfBuilds(3650, nowMs));
  const list = vi.spyOn(deps.store, "list");
  const rows = async () => {
    const pages = await Promise.all(list.mock.results.map(({ value }) => value));
    return pages.reduce((sum: number, { items }) => sum + items.length, 0);
  };
  const rollup = new DailyRollup(deps.repository, SILENT, deps.monotonic);
  const first = await rollup.since(nowMs - 30 * DAY_MS);
  expect(first.length).toBeGreaterThan(290);
  expect(await rows()).toBe(first.length);
  list.mockClear();
  deps.clock.pass(10);
  expect(sorted(await rollup.since(nowMs - 30 * DAY_MS))).toEqual(sorted(first));
  expect(await rows()).toBeLessThan(10);
});

it("builds of past days that others import or delete are counted where the feed tells of new builds alone", async () => {
  const deps = memoryDeps();
  const nowMs = Date.parse("2025-06-01T10:00:00.000Z");
  const firstOf = (days: number) => nowMs - (nowMs % DAY_MS) - days * DAY_MS;
  const year = [...yearOfBuilds(3650, nowMs)];
  const imported = year.filter((_, i) => i % 20 === 0);
  await putAll(
    deps.store,
    year.filter((_, i) => i % 20 !== 0),
  );
  const list = vi.spyOn(deps.store, "list");
  const rollup = new DailyRollup(deps.repository, { ...SILENT, isPartial: true }, deps.monotonic);
  const ask = async (days: number) => {
    deps.clock.pass(3);
    list.mockClear();
    const { length } = await rollup.since(firstOf(days));
    const pages = await Promise.all(list.mock.results.map(({ value }) => value));
    return { length, rows: pages.reduce((sum: number, { items }) => sum + items.length, 0) };
  };
  const recent = (item: Item) => String(item.created_at) >= toTime(firstOf(30));
  const before = (await ask(30)).length;
  await ask(366);
  await putAll(deps.store, imported);
  const lately = imported.filter(recent).length;
  expect(lately).toBeGreaterThan(10);
  // A month has fewer builds than one question reads again.
  expect((await ask(30)).length).toBe(before + lately);
  for (const { project_id } of imported.filter(recent))
    await deps.store.write({
      kind: "delete",
      transition: "delete",
      project_id: String(project_id),
      guards: [],
    });
  expect((await ask(30)).length).toBe(before);
  // Those of a year come with a few questions, each of which reads no more than so many.
  const all = year.length - lately;
  let questions = 0;
  for (let asked = await ask(366); asked.length < all && questions < 10; asked = await ask(366)) {
    expect(asked.rows).toBeLessThan(1100);
    questions += 1;
  }
  expect(questions).toBeLessThan(5);
});
