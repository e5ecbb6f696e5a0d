import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores, MemoryProjectStore, type ProjectStore, Repository } from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore, ensureTable } from "@stagefold/core/dynamodb";
import { startLocalDynamoDB } from "@stagefold/local-dynamodb";
import { expect, it } from "vitest";
import { TestClock } from "../../test/fixture.ts";
import { putAll, yearOfBuilds } from "../../test/year-of-builds.ts";
import { Stats } from "./statistics.ts";

const BUILDS = process.env.SOAK === "1" ? 100_000 : 2500;

function statsOn(store: ProjectStore) {
  const clock = new TestClock();
  return { clock, stats: new Stats(new Repository({ store, ...createMemoryFileStores(), clock })) };
}

it("a year of builds is summed up alike on a real engine, with few requests once it is known", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-stats-"));
  const local = await startLocalDynamoDB({ dataDir });
  const client = createDynamoClient({ endpoint: local.endpoint, requestTimeoutMs: 60_000 });
  try {
    await ensureTable(client, "AgentProjects");
    let requests = 0;
    const store = new DynamoProjectStore(client, "AgentProjects", () => {
      requests += 1;
    });
    const reference = new MemoryProjectStore();
    const { clock, stats } = statsOn(store);
    for (const one of [store, reference]) await putAll(one, yearOfBuilds(BUILDS, clock.now()));
    const expected = statsOn(reference).stats;
    expect(await stats.builds(30, "Europe/Berlin")).toEqual(await expected.builds(30, "Europe/Berlin"));
    expect(await stats.overview()).toEqual(await expected.overview());
    expect((await stats.overview()).total).toBe(BUILDS);
    requests = 0;
    clock.pass(10);
    await stats.builds(30, "Asia/Shanghai");
    await stats.overview();
    // Six partitions of open builds (three may have some that read as pending) and three of today's, for each.
    expect(requests).toBe(18);
  } finally {
    client.destroy();
    await local.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}, 900_000);
