import { chmod, chown, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { enginesHere, processesOn, tempDir } from "../test/tools.ts";
import type { LocalDynamoDBErrorCode } from "./errors.ts";
import { LocalDynamoDBError } from "./errors.ts";
import { findLocalDynamoDB } from "./find.ts";
import type { StartOptions } from "./options.ts";
import { startLocalDynamoDB } from "./start.ts";

async function refusal(options: StartOptions): Promise<LocalDynamoDBError> {
  try {
    await (await startLocalDynamoDB(options)).close();
  } catch (error) {
    if (error instanceof LocalDynamoDBError) return error;
    throw error;
  }
  throw new Error("it started");
}

/** The folder is free and no process is left on it. */
async function leftNothing(dataDir: string): Promise<void> {
  expect(await processesOn(dataDir)).toEqual([]);
  await (await startLocalDynamoDB({ dataDir, engine: "dynalite" })).close();
}

async function program(path: string, script: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Nothing is forbidden to root: as root, the test goes on as nobody, who owns the folder. */
async function ordinaryUser(context: TestContext, folder: string): Promise<AsyncDisposable> {
  const root = process.geteuid?.() === 0;
  if (root) {
    await chown(folder, 65_534, 65_534);
    process.seteuid?.(65_534);
    // The engine's program is in this checkout, which may lie where only root comes, such as below /root.
    try {
      await stat(import.meta.filename);
    } catch (error) {
      process.seteuid?.(0);
      context.skip(`nobody may not read this checkout: ${error}`);
    }
  }
  return {
    [Symbol.asyncDispose]: async () => {
      if (root) process.seteuid?.(0);
    },
  };
}

describe("data folders", () => {
  test("a file, and a folder below a file", async () => {
    await using dir = await tempDir();
    const file = join(dir.path, "file");
    await writeFile(file, "");
    for (const dataDir of [file, join(file, "below")]) {
      const error = await refusal({ dataDir });
      expect(error.code).toBe("DATA_DIR_UNUSABLE");
      expect(error.message).toContain(dataDir);
    }
    expect(await findLocalDynamoDB(file)).toBeUndefined();
  });

  test("a place where nothing can be made", async (context) => {
    if (process.platform !== "linux") context.skip("/proc is only on Linux");
    expect((await refusal({ dataDir: "/proc/stagefold" })).code).toBe("DATA_DIR_UNUSABLE");
  });

  test.for([
    ["read-only", 0o500, ""],
    ["unreadable", 0o000, ""],
    ["unreadable engine", 0o000, "dynamodb/dynalite"],
    ["unreadable database", 0o000, "dynamodb/dynalite/level"],
  ] as const)("%s folders", async ([_, mode, name], context) => {
    await using dir = await tempDir();
    await using _user = await ordinaryUser(context, dir.path);
    if (name !== "") await (await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite" })).close();
    const folder = join(dir.path, name);
    await chmod(folder, mode);
    const error = await refusal({ dataDir: dir.path });
    await chmod(folder, 0o700);
    expect(error.code).toBe("DATA_DIR_UNUSABLE");
    expect(error.message).toContain(dir.path);
    await leftNothing(dir.path);
  });

  test("a file where the engine's folder should be", async () => {
    await using dir = await tempDir();
    await mkdir(join(dir.path, "dynamodb"));
    await writeFile(join(dir.path, "dynamodb", "dynalite"), "");
    expect((await refusal({ dataDir: dir.path, engine: "dynalite" })).code).toBe("DATA_DIR_UNUSABLE");
    expect(await processesOn(dir.path)).toEqual([]);
  });

  test("a folder where one of our files should be", async () => {
    for (const name of [
      "engine.json",
      "dynamodb/process.json",
      "dynamodb/owner.json",
      "dynamodb/lock/CURRENT",
    ]) {
      await using dir = await tempDir();
      await mkdir(join(dir.path, name, "x"), { recursive: true });
      expect((await refusal({ dataDir: dir.path })).code).toBe("DATA_DIR_UNUSABLE");
      expect(await processesOn(dir.path)).toEqual([]);
    }
  });

  test("damaged data does not start, and is not replaced by none", async () => {
    await using dir = await tempDir();
    await (await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite" })).close();
    await writeFile(join(dir.path, "dynamodb", "dynalite", "level", "CURRENT"), "nonsense");
    const error = await refusal({ dataDir: dir.path });
    expect(error.code).toBe("ENGINE_START_FAILED");
    expect(await refusal({ dataDir: dir.path })).toMatchObject({ code: "ENGINE_START_FAILED" });
    expect(await processesOn(dir.path)).toEqual([]);
  });
});

describe("binaries", () => {
  const cases: [string, LocalDynamoDBErrorCode, (dir: string) => Promise<string>][] = [
    ["that are not there", "ENGINE_NOT_FOUND", async (dir) => join(dir, "missing")],
    ["that are folders", "ENGINE_UNUSABLE", async (dir) => dir],
    [
      "that are not executable",
      "ENGINE_UNUSABLE",
      async (dir) => {
        await writeFile(join(dir, "text"), "hello");
        return join(dir, "text");
      },
    ],
    ["of something else", "ENGINE_UNUSABLE", (dir) => program(join(dir, "other"), "echo other 1.0")],
    ["that fail", "ENGINE_UNUSABLE", (dir) => program(join(dir, "bad"), "exit 3")],
    [
      "that end instead of serving",
      "ENGINE_START_FAILED",
      (dir) =>
        program(join(dir, "ends"), '[ "$1" = --version ] && echo dynoxide 0 || { echo boom >&2; exit 3; }'),
    ],
    [
      "that never answer",
      "ENGINE_START_FAILED",
      (dir) => program(join(dir, "mute"), '[ "$1" = --version ] && echo dynoxide 0 || exec sleep 60'),
    ],
  ];
  test.each(cases)("%s: %s", async (_, code, make) => {
    await using dir = await tempDir();
    await using tools = await tempDir();
    const dynoxidePath = await make(tools.path);
    const error = await refusal({ dataDir: dir.path, dynoxidePath, startTimeoutMs: 300 });
    expect(error.code).toBe(code);
    if (code !== "ENGINE_START_FAILED") expect(error.message).toContain(dynoxidePath);
    expect(await processesOn(tools.path)).toEqual([]);
    await leftNothing(dir.path);
  });

  test("the words of an engine that ended are in the error", async () => {
    await using dir = await tempDir();
    const script = '[ "$1" = --version ] && echo dynoxide 0 || { echo boom >&2; exit 3; }';
    const dynoxidePath = await program(join(dir.path, "ends"), script);
    const error = await refusal({ dataDir: join(dir.path, "data"), dynoxidePath });
    expect(error.message).toBe("the dynoxide engine did not start: it ended with exit code 3: boom");
  });
});

test("data of one engine is never opened empty with the other", async (context) => {
  if (enginesHere().length < 2) context.skip("needs both engines");
  await using dir = await tempDir();
  await (await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite" })).close();
  expect((await refusal({ dataDir: dir.path, engine: "dynoxide" })).problem).toMatchObject({
    code: "ENGINE_DATA_CONFLICT",
    expected: "dynoxide",
    found: ["dynalite"],
  });
  const auto = await startLocalDynamoDB({ dataDir: dir.path });
  expect(auto.engine).toBe("dynalite");
  await auto.close();
  await mkdir(join(dir.path, "dynamodb", "dynoxide"));
  await writeFile(join(dir.path, "dynamodb", "dynoxide", "data.db"), "");
  expect((await refusal({ dataDir: dir.path })).problem).toMatchObject({
    code: "ENGINE_DATA_CONFLICT",
    expected: "auto",
    found: ["dynoxide", "dynalite"],
  });
});
