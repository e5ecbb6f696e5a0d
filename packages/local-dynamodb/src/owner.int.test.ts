import { execFileSync, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clientFor, createBuildsTable, put, scan } from "../test/table.ts";
import { enginesHere, processesOn, startOwner, tempDir, until } from "../test/tools.ts";
import type { LocalDynamoDBEvent } from "./events.ts";
import { findLocalDynamoDB } from "./find.ts";
import { isRunning } from "./process-identity.ts";
import { startLocalDynamoDB } from "./start.ts";

describe.each(enginesHere())("%s", (engine) => {
  test("a second owner is refused at once, with the pid of the first", async () => {
    await using dir = await tempDir();
    await using _db = await startLocalDynamoDB({ dataDir: dir.path, engine });
    const expected = { code: "DATA_DIR_IN_USE", problem: { owner_pid: process.pid } };
    await expect(startLocalDynamoDB({ dataDir: dir.path, engine })).rejects.toMatchObject(expected);
    // The refusal above must not have loosened the lock, which is one of this process.
    await using second = await startOwner(dir.path, engine);
    const { outcome } = second;
    expect(outcome.code).toBe("DATA_DIR_IN_USE");
    expect(outcome.message).toContain(`by process ${process.pid}`);
    expect(outcome.message).toContain(dir.path);
  });

  test("of racing starters exactly one wins", async () => {
    await using dir = await tempDir();
    const owners = await Promise.all([1, 2, 3].map(() => startOwner(dir.path, engine)));
    try {
      expect(owners.map(({ outcome }) => outcome.code ?? "won").sort()).toEqual([
        "DATA_DIR_IN_USE",
        "DATA_DIR_IN_USE",
        "won",
      ]);
      const winner = owners.find(({ outcome }) => outcome.code === undefined);
      for (const { outcome } of owners.filter(({ outcome }) => outcome.code !== undefined)) {
        expect(outcome.message).toContain(`by process ${winner?.process.pid}`);
      }
    } finally {
      await Promise.all(owners.map((owner) => owner.kill()));
    }
    await until("the engine is gone", async () => (await processesOn(dir.path)).length === 0);
  });

  test("a killed owner leaves no engine and no lock, and no acknowledged write is lost", async () => {
    await using dir = await tempDir();
    await using owner = await startOwner(dir.path, engine);
    const { endpoint = "", pid = 0 } = owner.outcome;
    const client = clientFor(endpoint);
    await createBuildsTable(client);
    for (let n = 0; n < 50; n += 1) await put(client, String(n), n);
    await owner.kill();
    expect(await findLocalDynamoDB(dir.path)).toBeUndefined();
    await using next = await startLocalDynamoDB({ dataDir: dir.path });
    expect(await isRunning(pid)).toBe(false);
    expect(next.engine).toBe(engine);
    expect(await scan(clientFor(next.endpoint))).toHaveLength(50);
  });

  test("the engine of a killed owner ends by itself", async () => {
    await using dir = await tempDir();
    await using owner = await startOwner(dir.path, engine);
    await owner.kill();
    await until("the engine has ended", async () => (await processesOn(dir.path)).length === 0);
  });

  test("an engine that outlives its owner is ended by the next one", { timeout: 20_000 }, async (context) => {
    if (process.platform !== "linux") context.skip("stopping the engine's watcher is only written for Linux");
    await using dir = await tempDir();
    await using owner = await startOwner(dir.path, engine);
    const { pid = 0 } = owner.outcome;
    // dynoxide is ended by a watcher, its child; dynalite's host ends itself, unless it cannot.
    if (engine === "dynoxide") execFileSync("pkill", ["-KILL", "-P", String(pid)]);
    else process.kill(pid, "SIGSTOP");
    await owner.kill();
    expect(await isRunning(pid)).toBe(true);
    const events: LocalDynamoDBEvent[] = [];
    await using next = await startLocalDynamoDB({ dataDir: dir.path, log: (event) => events.push(event) });
    expect(events).toContainEqual({ event: "orphan_ended", engine, pid });
    expect(await isRunning(pid)).toBe(false);
    expect(await findLocalDynamoDB(dir.path)).toMatchObject({ pid: next.pid });
  });
});

test("of racing starts in one process exactly one wins", async () => {
  await using dir = await tempDir();
  const starts = await Promise.allSettled([1, 2, 3].map(() => startLocalDynamoDB({ dataDir: dir.path })));
  const [winner, ...more] = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  expect(more).toEqual([]);
  await using other = await startOwner(dir.path, "auto");
  expect(other.outcome.code).toBe("DATA_DIR_IN_USE");
  await winner?.close();
});

test("records of a killed owner whose pid another process has now harm neither of them", async () => {
  await using dir = await tempDir();
  const innocent = spawn(process.execPath, ["-e", "setTimeout(() => undefined, 60_000)", dir.path]);
  try {
    const pid = innocent.pid ?? 0;
    await mkdir(join(dir.path, "dynamodb"));
    const engine = {
      pid,
      started: "another boot/1",
      engine: "dynalite",
      dir: join(dir.path, "dynamodb", "dynalite"),
    };
    await writeFile(join(dir.path, "dynamodb", "process.json"), JSON.stringify(engine));
    await writeFile(join(dir.path, "dynamodb", "owner.json"), JSON.stringify({ pid }));
    const stale = { endpoint: "http://127.0.0.1:1", engine: "dynalite", pid, owner_pid: pid, started_at: "" };
    await writeFile(join(dir.path, "engine.json"), JSON.stringify(stale));
    expect(await findLocalDynamoDB(dir.path)).toBeUndefined();
    await using db = await startLocalDynamoDB({ dataDir: dir.path });
    expect(await findLocalDynamoDB(dir.path)).toMatchObject({ pid: db.pid });
    expect(innocent.exitCode ?? innocent.signalCode).toBeNull();
  } finally {
    innocent.kill("SIGKILL");
  }
});
