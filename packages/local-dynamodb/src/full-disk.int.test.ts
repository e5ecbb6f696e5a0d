import { spawn, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { enginesHere, tempDir, until } from "../test/tools.ts";
import { LocalDynamoDBError } from "./errors.ts";
import type { LocalDynamoDBEvent } from "./events.ts";
import { findLocalDynamoDB } from "./find.ts";
import { isDiskFull } from "./full-disk.ts";
import { startLocalDynamoDB } from "./start.ts";

/** The file of the data folder whose writing finds no room, as long as there is one. */
const disk = vi.hoisted(() => ({ full: "" }));

vi.mock("./json-file.ts", async (original) => {
  const real = await original<typeof import("./json-file.ts")>();
  const writeJsonFile = async (path: string, value: unknown) => {
    const message = "ENOSPC: no space left on device, write";
    if (disk.full !== "" && path.endsWith(disk.full))
      throw Object.assign(new Error(message), { code: "ENOSPC" });
    await real.writeJsonFile(path, value);
  };
  return { ...real, writeJsonFile };
});

const PATIENCE_MS = 60_000;
const events: LocalDynamoDBEvent[] = [];
const log = (event: LocalDynamoDBEvent) => events.push(event);
const count = (name: LocalDynamoDBEvent["event"]) => events.filter(({ event }) => event === name).length;

test("while the disk is full it is tried again and again, and said once", {
  timeout: PATIENCE_MS,
}, async () => {
  await using dir = await tempDir();
  events.length = 0;
  const restart = { maxRapidFailures: 3, firstDelayMs: 1, maxDelayMs: 50 };
  await using db = await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite", restart, log });
  const { pid } = db;
  const back = new Promise((resolve) => db.onRestart(resolve));
  disk.full = "process.json";
  process.kill(pid, "SIGKILL");
  await until("it waits for the disk", () => count("engine_waits_for_disk") > 0, PATIENCE_MS);
  // Far more than the three tries after which any other cause would be the last.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await Promise.race([db.failed, Promise.resolve("alive")])).toBe("alive");
  expect(count("engine_waits_for_disk")).toBe(1);
  expect(count("engine_start_failed")).toBe(0);
  disk.full = "";
  await back;
  expect(db.pid).not.toBe(pid);
  expect(await findLocalDynamoDB(dir.path)).toMatchObject({ pid: db.pid });
});

test("the address is published once there is room", { timeout: PATIENCE_MS }, async () => {
  await using dir = await tempDir();
  events.length = 0;
  await using db = await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite", log });
  const back = new Promise((resolve) => db.onRestart(resolve));
  disk.full = "engine.json";
  process.kill(db.pid, "SIGKILL");
  await back;
  expect(count("warning")).toBeGreaterThan(0);
  disk.full = "";
  const found = async () => (await findLocalDynamoDB(dir.path))?.pid === db.pid;
  await until("it is found", found, PATIENCE_MS);
});

test("a full disk is known by codes, causes and the words of engines", () => {
  const full = Object.assign(new Error("write"), { code: "EDQUOT" });
  const problem = { code: "DATA_DIR_UNUSABLE", data_dir: "d", path: "p", reason: "write" } as const;
  expect(isDiskFull(new LocalDynamoDBError(problem, { cause: full }))).toBe(true);
  expect(isDiskFull("IO error: level/MANIFEST-000006: No space left on device")).toBe(true);
  expect(isDiskFull("database or disk is full")).toBe(true);
  expect(isDiskFull(new Error("EACCES: permission denied"))).toBe(false);
});

// Mounting needs a namespace of its own, which not every system lets users make.
const mount = ["-rm", "sh", "-c", 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'];
const unshare = "unshare";
const canMount = spawnSync(unshare, [...mount, tmpdir(), "true"]).status === 0;

/** Fills its disk, ends the engine, waits, makes room, and prints what the engine's keeper said. */
const PROGRAM = `
import { rmSync, writeFileSync } from "node:fs";
const [, built, dataDir, engine] = process.argv;
const { startLocalDynamoDB } = await import(built);
const events = [];
const db = await startLocalDynamoDB({ dataDir, engine, log: ({ event }) => events.push(event),
  restart: { maxRapidFailures: 3, firstDelayMs: 1, maxDelayMs: 50 } });
const fill = (name, size) => {
  const made = [];
  try {
    for (;;) {
      made.push(dataDir + "/" + name + made.length);
      writeFileSync(made.at(-1), Buffer.alloc(size));
    }
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  }
  return made;
};
const made = [...fill("large", 1_000_000), ...fill("small", 500)];
const back = new Promise((resolve) => db.onRestart(() => resolve("back")));
process.kill(db.pid, "SIGKILL");
await new Promise((resolve) => setTimeout(resolve, 2500));
for (const path of made) rmSync(path, { force: true });
events.push(await Promise.race([back, db.failed.then((error) => error.message)]));
await db.close();
console.log(JSON.stringify(events));
`;

// Skipped where this process may not mount a file system of its own.
test.skipIf(!canMount).each(enginesHere())(
  "%s comes back when a disk that really was full has room again",
  { timeout: PATIENCE_MS },
  async (engine) => {
    await using dir = await tempDir();
    const built = new URL("../dist/index.js", import.meta.url).href;
    const program = ["--input-type=module", "-e", PROGRAM, built, dir.path, engine];
    const args = [...mount, dir.path, process.execPath, ...program];
    const child = spawn(unshare, args, { stdio: ["ignore", "pipe", "inherit"] });
    const seen: unknown = JSON.parse(await text(child.stdout));
    expect(seen).toContain("engine_waits_for_disk");
    expect(seen).not.toContain("engine_failed");
    expect(seen).toContain("back");
  },
);
