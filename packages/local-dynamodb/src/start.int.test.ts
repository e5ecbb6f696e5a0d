import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clientFor, createBuildsTable, put, scan } from "../test/table.ts";
import { enginesHere, processesOn, tempDir, until } from "../test/tools.ts";
import type { LocalDynamoDBEvent } from "./events.ts";
import { findLocalDynamoDB } from "./find.ts";
import { startLocalDynamoDB } from "./start.ts";

describe.each(enginesHere())("%s", (engine) => {
  test("starts on loopback, can be found, and leaves nothing but data when closed", async () => {
    await using dir = await tempDir();
    const db = await startLocalDynamoDB({ dataDir: dir.path, engine });
    expect(db.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(db.pid).not.toBe(process.pid);
    expect(await findLocalDynamoDB(dir.path)).toEqual({ endpoint: db.endpoint, engine, pid: db.pid });
    const file: unknown = JSON.parse(await readFile(join(dir.path, "engine.json"), "utf8"));
    expect(file).toMatchObject({ endpoint: db.endpoint, engine, pid: db.pid, owner_pid: process.pid });
    await db.close();
    await db.close();
    expect(await findLocalDynamoDB(dir.path)).toBeUndefined();
    expect(await readdir(dir.path)).toEqual(["dynamodb"]);
    expect((await readdir(join(dir.path, "dynamodb"))).sort()).toEqual([engine, "lock"].sort());
    expect(await processesOn(dir.path)).toEqual([]);
  });

  test("keeps its data over a clean restart, which repairs nothing", async () => {
    await using dir = await tempDir();
    const events: LocalDynamoDBEvent[] = [];
    {
      await using db = await startLocalDynamoDB({ dataDir: dir.path, engine });
      const client = clientFor(db.endpoint);
      await createBuildsTable(client);
      await put(client, "a", 1);
    }
    await using again = await startLocalDynamoDB({ dataDir: dir.path, log: (event) => events.push(event) });
    expect(again.engine).toBe(engine);
    expect((await scan(clientFor(again.endpoint))).map((item) => item.id)).toEqual([{ S: "a" }]);
    expect(events.map(({ event }) => event)).not.toContain("indexes_repaired");
  });

  test("killed under load it is restarted on its port, with every write it acknowledged", async () => {
    await using dir = await tempDir();
    await using db = await startLocalDynamoDB({ dataDir: dir.path, engine });
    const { endpoint, pid } = db;
    const client = clientFor(endpoint);
    await createBuildsTable(client);
    const restarted = new Promise<{ pid: number }>((resolve) => db.onRestart(resolve));
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 32 }, async (_, writer) => {
      for (let n = 0; ; n += 1) {
        await put(client, `${writer}/${n}`, n);
        acknowledged.push(`${writer}/${n}`);
      }
    });
    const ended = Promise.allSettled(writers);
    await until("there is load", () => acknowledged.length > 300);
    process.kill(pid, "SIGKILL");
    const outcomes = await ended;
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect((await restarted).pid).not.toBe(pid);
    expect(db.pid).toBe((await restarted).pid);
    expect(db.endpoint).toBe(endpoint);
    const kept = new Set((await scan(client)).map((item) => item.id?.S));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect(await findLocalDynamoDB(dir.path)).toEqual({ endpoint, engine, pid: db.pid });
  });

  test("a client with retries carries on over a restart without an error", async () => {
    await using dir = await tempDir();
    await using db = await startLocalDynamoDB({ dataDir: dir.path, engine });
    const client = clientFor(db.endpoint, 20);
    await createBuildsTable(client);
    const restarted = new Promise((resolve) => db.onRestart(resolve));
    process.kill(db.pid, "SIGKILL");
    await put(client, "over", 1);
    await restarted;
    expect((await scan(client)).map((item) => item.id?.S)).toEqual(["over"]);
  });
});
