import { once } from "node:events";
import { createServer } from "node:net";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { normalise } from "@stagefold/core";
import {
  createDynamoClient,
  DynamoProjectStore,
  ensureTable,
  INDEXES,
  tableDefinition,
} from "@stagefold/core/dynamodb";
import { aRepository, TEST_PLAN } from "@stagefold/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINES, startStore } from "./store.ts";

const ALL = Object.keys(INDEXES).sort();

/** A table as older programs made it: two indexes that project everything, provisioned throughput. */
function olderTable(table: string, change: Partial<CreateTableCommandInput> = {}): CreateTableCommandInput {
  const now = tableDefinition(table);
  const throughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 5 };
  const keys = ["project_id", "user_id", "status", "created_at"];
  return {
    TableName: table,
    KeySchema: now.KeySchema,
    AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    ProvisionedThroughput: throughput,
    GlobalSecondaryIndexes: ["user_id", "status"].map((hash) => ({
      IndexName: hash === "user_id" ? "UserIndex" : "StatusIndex",
      KeySchema: [
        { AttributeName: hash, KeyType: "HASH" },
        { AttributeName: "created_at", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "ALL" },
      ProvisionedThroughput: throughput,
    })),
    ...change,
  };
}

describe.each(ENGINES)("the table on %s", (engine) => {
  let running: Awaited<ReturnType<typeof startStore>> | undefined;
  beforeAll(async () => {
    running = await startStore(engine);
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });
  const client = () => {
    if (!running) throw new Error("the engine has not started");
    return running.client;
  };
  const make = async (input: CreateTableCommandInput) => {
    await client().send(new CreateTableCommand(input));
    const wait = { client: client(), minDelay: 0.05, maxDelay: 0.5, maxWaitTime: 10 };
    await waitUntilTableExists(wait, { TableName: input.TableName });
  };
  const indexesOf = async (TableName: string) => {
    const { Table } = await client().send(new DescribeTableCommand({ TableName }));
    return (Table?.GlobalSecondaryIndexes ?? []).map((index) => index.IndexName).sort();
  };

  it("is made once, with all indexes, and found again", async () => {
    expect(await ensureTable(client(), "Made")).toEqual({ created: true, added: [] });
    expect(await indexesOf("Made")).toEqual(ALL);
    expect(await ensureTable(client(), "Made")).toEqual({ created: false, added: [] });
  });

  it("is made by one of several processes at once", async () => {
    const clients = Array.from({ length: 4 }, () => createDynamoClient({ endpoint: running?.endpoint }));
    const made = await Promise.all(clients.map((one) => ensureTable(one, "AtOnce")));
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(await indexesOf("AtOnce")).toEqual(ALL);
    for (const one of clients) one.destroy();
  });

  it("gets the indexes that an older one lacks, or the error says which it cannot get", async () => {
    await make(olderTable("Older"));
    const store = new DynamoProjectStore(client(), "Older");
    const project_id = "proj_0123456789ab";
    const old = { project_id, user_id: "u", status: "paused", created_at: "2025-01-01T00:00:00.000000Z" };
    const item = { ...old, agent_id: "agent_0123456789ab", stages_snapshot: '{"stages":[{"stage":"a"}]}' };
    await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
    if (engine === "dynalite") {
      await expect(ensureTable(client(), "Older", { timeoutMs: 5000 })).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/Older .*AgentIndex/),
      });
      return;
    }
    const clients = Array.from({ length: 3 }, () => createDynamoClient({ endpoint: running?.endpoint }));
    const done = await Promise.all(clients.map((one) => ensureTable(one, "Older", { timeoutMs: 20_000 })));
    // Each index is added by one of them.
    expect(done.flatMap(({ added }) => added).sort()).toEqual(["AgentIndex", "WorkIndex"]);
    expect(await indexesOf("Older")).toEqual(ALL);
    for (const one of clients) one.destroy();
    // What was there is in the old indexes and the new ones, and works.
    const { repository } = aRepository(store);
    for (const filter of [{ user_id: "u" }, { status: "paused" } as const, {}])
      expect((await repository.lists.projects(filter, 5)).items).toMatchObject([{ project_id }]);
    expect((await store.list({ agent_id: "agent_0123456789ab", limit: 5 })).items).toHaveLength(1);
    const resumed = await repository.control.resume(project_id);
    const queue = resumed.work_queue ?? "";
    expect(
      (await repository.work.due(queue.startsWith("external") ? "external" : "agent_builds", 5)).map(
        (row) => row.project_id,
      ),
    ).toEqual([project_id]);
    expect((await repository.work.claim(project_id, "w", queue))?.project.status).toBe("building");
    expect(normalise((await store.get(project_id)) ?? {}).schema_version).toBe(1);
  });

  it("is used as it is where only its indexes project more", async () => {
    const definition = tableDefinition("Wide");
    const wide = definition.GlobalSecondaryIndexes?.map((index) => ({
      ...index,
      Projection: { ProjectionType: "ALL" as const },
    }));
    await make({ ...definition, GlobalSecondaryIndexes: wide });
    expect(await ensureTable(client(), "Wide")).toEqual({ created: false, added: [] });
    const { repository } = aRepository(new DynamoProjectStore(client(), "Wide"));
    const made = await repository.control.create({ requirement: "r", user_id: "u" }, TEST_PLAN);
    const [listed] = (await repository.lists.projects({ user_id: "u" }, 5)).items;
    expect(listed).toMatchObject({ project_id: made.project_id, status: "queued" });
    expect(listed).not.toHaveProperty("stages_snapshot");
  });

  it("is refused with another key, or an index of ours on other fields", async () => {
    const sorted = olderTable("Sorted", {
      KeySchema: [
        { AttributeName: "project_id", KeyType: "HASH" },
        { AttributeName: "created_at", KeyType: "RANGE" },
      ],
    });
    await make(sorted);
    await expect(ensureTable(client(), "Sorted")).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("it has project_id HASH, created_at RANGE"),
    });
    const other = olderTable("OtherIndex");
    const [user, status] = other.GlobalSecondaryIndexes ?? [];
    if (!user || !status) throw new Error("two indexes");
    const turned = { ...user, KeySchema: status.KeySchema };
    const AttributeDefinitions = other.AttributeDefinitions?.filter((one) => one.AttributeName !== "user_id");
    await make({ ...other, AttributeDefinitions, GlobalSecondaryIndexes: [turned, status] });
    await expect(ensureTable(client(), "OtherIndex")).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("UserIndex on user_id and created_at; it is on status HASH"),
    });
  });
});

describe("a table that cannot be had", () => {
  it("is a typed error when nothing answers", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    if (address === null || typeof address === "string") throw new Error("no port");
    const client = createDynamoClient({ endpoint: `http://127.0.0.1:${address.port}` });
    await expect(ensureTable(client, "t")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    client.destroy();
  });
});
