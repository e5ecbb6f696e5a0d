import { randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CreateTableCommand, DeleteItemCommand, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import internals from "dynalite/db/index.js";
import { describe, expect, test } from "vitest";
import { clientFor, compareIndexes, createBuildsTable, move, put, scan, TABLE } from "../test/table.ts";
import { tempDir, until } from "../test/tools.ts";
import { under } from "./dynalite-keys.ts";
import type { LocalDynamoDBEvent } from "./events.ts";
import { startLocalDynamoDB } from "./start.ts";

type Level = ReturnType<typeof internals.create>["db"];

/** Opens the data behind the engine's back and lets it look as after a kill. */
async function damage(dataDir: string, edit: (db: Level) => Promise<void>): Promise<void> {
  const dir = join(dataDir, "dynamodb", "dynalite");
  const { db } = internals.create({ path: join(dir, "level") });
  await db.open();
  await edit(db);
  await db.close();
  await rm(join(dir, "clean"));
}

const START = { engine: "dynalite" } as const;

describe("indexes after an unclean stop", () => {
  test("lost rows come back, orphaned and outdated ones go", async () => {
    await using dir = await tempDir();
    const events: LocalDynamoDBEvent[] = [];
    const db = await startLocalDynamoDB({ ...START, dataDir: dir.path });
    await createBuildsTable(clientFor(db.endpoint));
    for (let n = 0; n < 30; n += 1) await put(clientFor(db.endpoint), `b${n}`, n);
    await db.close();
    await damage(dir.path, async (level) => {
      const rows = await level.iterator(under("index-global~Builds~")).all();
      expect(rows).toHaveLength(50);
      for (const [key, value] of rows.slice(0, 20)) {
        await level.del(key);
        await level.put(`${key}0`, { ...Object(value), id: { S: "nobody" } });
      }
    });
    await using again = await startLocalDynamoDB({ dataDir: dir.path, log: (event) => events.push(event) });
    const { held, expected } = await compareIndexes(clientFor(again.endpoint));
    expect(held).toEqual(expected);
    expect(held).toHaveLength(50);
    const report = events.find(({ event }) => event === "indexes_repaired");
    expect(report).toMatchObject({ tables: 1, items: 30, index_rows: 50 });
  });

  test("the test above would see damage that is not repaired", async () => {
    await using dir = await tempDir();
    const db = await startLocalDynamoDB({ ...START, dataDir: dir.path });
    await createBuildsTable(clientFor(db.endpoint));
    await put(clientFor(db.endpoint), "a", 0);
    await db.close();
    const level = internals.create({ path: join(dir.path, "dynamodb", "dynalite", "level") }).db;
    await level.open();
    await level.clear(under("index-global~Builds~"));
    await level.close();
    // The mark of the clean stop is still there: nothing is repaired.
    await using again = await startLocalDynamoDB({ dataDir: dir.path });
    const { held, expected } = await compareIndexes(clientFor(again.endpoint));
    expect(held).toEqual([]);
    expect(expected).toHaveLength(2);
  });

  test("tables left on their way to another status arrive there", async () => {
    await using dir = await tempDir();
    const db = await startLocalDynamoDB({ ...START, dataDir: dir.path });
    const client = clientFor(db.endpoint);
    await createBuildsTable(client);
    await put(client, "a", 0);
    await client.send(
      new CreateTableCommand({
        TableName: "Leaving",
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      }),
    );
    await db.close();
    await damage(dir.path, async (level) => {
      for (const [key, status] of [
        ["table~Builds", "CREATING"],
        ["table~Leaving", "DELETING"],
      ] as const) {
        await level.put(key, { ...Object(await level.get(key)), TableStatus: status });
      }
      await level.put("item-Leaving~x/", { id: { S: "x" } });
    });
    await using again = await startLocalDynamoDB({ dataDir: dir.path });
    const after = clientFor(again.endpoint);
    expect((await after.send(new ListTablesCommand({}))).TableNames).toEqual([TABLE]);
    expect(await scan(after)).toHaveLength(1);
    await put(after, "b", 1);
  });

  test("killed under load, again and again, every index says what its table says", async () => {
    await using dir = await tempDir();
    await using db = await startLocalDynamoDB({ ...START, dataDir: dir.path });
    const client = clientFor(db.endpoint);
    await createBuildsTable(client);
    for (let round = 0; round < 4; round += 1) {
      const restarted = new Promise((resolve) => db.onRestart(resolve));
      const ended = load(client, 64, round);
      await until("there is load", () => ended.writes() > 300 + randomInt(300));
      process.kill(db.pid, "SIGKILL");
      await ended.all;
      await restarted;
      const { held, expected } = await compareIndexes(client);
      expect(held).toEqual(expected);
      expect(expected.length).toBeGreaterThan(100);
    }
  });
});

/** Writers that put, move and delete items until the engine is gone. */
function load(client: ReturnType<typeof clientFor>, writers: number, round: number) {
  let writes = 0;
  const write = async (writer: number) => {
    for (let n = round; ; n += 1) {
      const id = `w${writer}/${n % 8}`;
      if (n % 7 === 6) await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { id: { S: id } } }));
      else if (n % 2 === 0) await put(client, id, n + writer);
      else await upsert(client, id, n + writer);
      writes += 1;
    }
  };
  return {
    writes: () => writes,
    all: Promise.allSettled(Array.from({ length: writers }, (_, n) => write(n))),
  };
}

/** A move of an item that a delete took needs a put first. */
async function upsert(client: ReturnType<typeof clientFor>, id: string, n: number): Promise<void> {
  await put(client, id, n);
  await move(client, id, n + 1);
}
