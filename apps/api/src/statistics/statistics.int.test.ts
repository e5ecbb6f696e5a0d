import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores, MemoryChangeFeed, MemoryProjectStore, Repository } from "@stagefold/core";
import { openSqlite } from "@stagefold/sqlite";
import { expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { TestClock } from "../../test/fixture.ts";
import { putAll, yearOfBuilds } from "../../test/year-of-builds.ts";
import { Statistics } from "./statistics.ts";

const BUILDS = SOAK ? 20_000 : 5000;

/** The statistics of a process on a data folder that another process writes to as well. */
async function twoProcesses() {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-stats-"));
  const [here, elsewhere] = [await openSqlite(folder), await openSqlite(folder)];
  const clock = new TestClock();
  const repository = new Repository({ store: here.projects, ...createMemoryFileStores(), clock });
  const close = async () => {
    here.close();
    elsewhere.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    clock,
    elsewhere: elsewhere.projects,
    statistics: new Statistics({ repository, feed: here.feed, monotonic: clock.monotonic }),
    [Symbol.asyncDispose]: close,
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it("a year of builds is summed up on SQLite as by the reference, the first question quickly", async () => {
  await using both = await twoProcesses();
  const { clock, elsewhere, statistics } = both;
  const reference = new MemoryProjectStore();
  await putAll(reference, yearOfBuilds(BUILDS, clock.now()));
  const writing = process.cpuUsage();
  await putAll(elsewhere, yearOfBuilds(BUILDS, clock.now()));
  const writingMs = cpuMsSince(writing);
  const repository = new Repository({ store: reference, ...createMemoryFileStores(), clock });
  const expected = new Statistics({ repository, feed: new MemoryChangeFeed(reference) });
  const query = { days: 30, time_zone: "Europe/Berlin" };
  const start = performance.now();
  const cpu = process.cpuUsage();
  const first = await statistics.builds(query);
  const firstMs = performance.now() - start;
  const counting = performance.now();
  const overview = await statistics.overview();
  const countMs = performance.now() - counting;
  const cpuMs = cpuMsSince(cpu);
  console.info(
    `${BUILDS} builds: ${firstMs.toFixed(0)} ms for 30 days, ${countMs.toFixed(0)} ms for the states, ${cpuMs.toFixed(0)} ms of CPU; ${writingMs.toFixed(0)} ms of CPU to write them`,
  );
  expect(first).toEqual(await expected.builds(query));
  expect(overview).toEqual(await expected.overview());
  expect(overview.total).toBe(BUILDS);
  // A share of what writing them costs here: a busy machine makes seconds meaningless, of the wall as of the processor.
  expect(cpuMs / writingMs).toBeLessThan(1 / 10);
});

it("L10: builds of past days that another process imports are counted within ten seconds, all at once", async () => {
  await using both = await twoProcesses();
  const { clock, elsewhere, statistics } = both;
  const query = { days: 366, time_zone: "UTC" };
  const all = [...yearOfBuilds(172, clock.now())];
  await putAll(elsewhere, all.slice(170));
  expect((await statistics.builds(query)).all.total).toBe(2);
  expect((await statistics.overview()).total).toBe(2);
  await putAll(elsewhere, all.slice(0, 170));
  await expect
    .poll(
      async () => {
        clock.pass(8);
        const [builds, overview] = [await statistics.builds(query), await statistics.overview()];
        return [builds.all.total, builds.days.reduce((sum, { total }) => sum + total, 0), overview.total];
      },
      { timeout: 5000 },
    )
    .toEqual([172, 172, 172]);
  const [gone] = all;
  const project_id = String(gone?.project_id);
  await elsewhere.write({ kind: "delete", transition: "delete", project_id, guards: [] });
  await expect
    .poll(
      async () => {
        clock.pass(8);
        return (await statistics.builds(query)).all.total;
      },
      { timeout: 5000 },
    )
    .toBe(171);
});
