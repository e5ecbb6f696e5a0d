import { newProjectId } from "@stagefold/core";
import {
  createDynamoClient,
  DynamoProjectStore,
  DynamoRecordStore,
  ensureRecordsTable,
} from "@stagefold/core/dynamodb";
import { aProject } from "@stagefold/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectStoreSuite, recordStoreSuite } from "../src/index.ts";
import { ENGINES, startStore } from "./store.ts";
import { startUnrulyProxy } from "./unruly-proxy.ts";

const SEED = Number(process.env.UNRULY_SEED ?? Math.floor(Math.random() * 2 ** 31));

// As Amazon answers and local engines do not: cut pages, keys of a batch left undone, throttling.
describe.each(ENGINES)(`behind cut pages, partial batches and throttling (UNRULY_SEED=${SEED})`, (engine) => {
  const open = async () => {
    const running = await startStore(engine);
    await ensureRecordsTable(running.client, "StagefoldRecords");
    const proxy = await startUnrulyProxy(running.endpoint, SEED);
    const client = createDynamoClient({ endpoint: proxy.endpoint });
    return {
      proxy,
      projects: new DynamoProjectStore(client, "AgentProjects"),
      records: new DynamoRecordStore(client, "StagefoldRecords"),
      async [Symbol.asyncDispose]() {
        client.destroy();
        proxy.close();
        await running[Symbol.asyncDispose]();
      },
    };
  };
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  const here = () => {
    if (!opened) throw new Error("the engine has not started");
    return opened;
  };
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
  });

  projectStoreSuite(`${engine}, unruly`, () => here().projects);
  recordStoreSuite(`${engine}, unruly`, () => here().records);

  it("batches are whole, and each kind of trouble happened", async () => {
    const { projects, proxy } = here();
    const ids = Array.from({ length: 12 }, () => newProjectId());
    for (const project_id of ids) {
      const item = aProject({ project_id });
      await projects.write({ kind: "put", transition: "create", project_id, guards: [], item });
    }
    for (let n = 0; n < 10; n++) {
      const found = (await projects.getMany(ids)).map(({ project_id }) => String(project_id));
      expect(found.sort()).toEqual([...ids].sort());
    }
    const { cutPage, partialBatch, throttled } = proxy.counts;
    expect(Math.min(cutPage, partialBatch, throttled)).toBeGreaterThan(0);
  });
});
