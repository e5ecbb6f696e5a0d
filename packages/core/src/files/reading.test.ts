import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { textsOf } from "../snapshot/log-line.ts";
import { createFileStores } from "./index.ts";

const PROJECT = "proj_0123456789ab";
const attempt = { project_id: PROJECT, stage: "build", attempt: 1 };
const at = (path: string) => ({ ...attempt, path });
const invalid = expect.objectContaining({ code: "INVALID_INPUT" });

let root: string;
let stores: ReturnType<typeof createFileStores>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-reading-"));
  stores = createFileStores(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Damages what matches in the one log file, in its place. */
async function damage(what: RegExp): Promise<void> {
  const [name = "none"] = (await readdir(join(root, PROJECT))).filter((one) => one.startsWith("log."));
  const path = join(root, PROJECT, name);
  const text = await readFile(path, "utf8");
  await writeFile(
    path,
    text.replace(what, (found) => "#".repeat(found.length)),
  );
}

describe("reading", () => {
  it("continues with the file it opened when another takes its place or the project is removed", async () => {
    const content = new Uint8Array(1_000_000).fill(1);
    await stores.artifacts.put(at("a"), content);
    for (const change of [
      () => stores.artifacts.put(at("a"), new Uint8Array(10).fill(2)),
      () => stores.artifacts.removeProject(PROJECT),
    ]) {
      await stores.artifacts.put(at("a"), content);
      const found = await stores.artifacts.get(at("a"));
      const blocks: Uint8Array[] = [];
      for await (const block of found?.stream ?? []) {
        if (blocks.length === 0) await change();
        blocks.push(block);
      }
      expect(Buffer.compare(Buffer.concat(blocks), content)).toBe(0);
    }
  });

  // Skipped where the system does not show the open files of a process as a folder.
  it.skipIf(!existsSync("/dev/fd"))("closes what it opened, read to the end or not", async () => {
    await stores.artifacts.put(at("a"), new Uint8Array(200_000));
    await stores.logs.append(attempt, 1, ["a", "b"]);
    const before = (await readdir("/dev/fd")).length;
    for (let i = 0; i < 50; i++) {
      const found = await stores.artifacts.get(at("a"));
      for await (const _block of found?.stream ?? []) if (i % 2 === 0) break;
      await stores.logs.read(attempt, { limit: 1, upTo: 1 });
    }
    expect((await readdir("/dev/fd")).length).toBeLessThan(before + 10);
  });

  it("reads only what a page needs", async () => {
    for (const seq of [1, 2, 3, 1500]) await stores.logs.append(attempt, seq, [`${seq}/0`, `${seq}/1`]);
    // Lines that are read all the same would be found damaged.
    await damage(/"(1|3|1500)\/\d"/g);
    const page = await stores.logs.read(attempt, { cursor: "2:0", limit: 1, upTo: 9999 });
    expect(textsOf(page.lines)).toEqual(["2/0"]);
    expect(
      textsOf((await stores.logs.read(attempt, { limit: 9, upTo: 2, cursor: page.cursor })).lines),
    ).toEqual(["2/1"]);
    await expect(stores.logs.read(attempt, { limit: 9, upTo: 9999, cursor: page.cursor })).rejects.toThrow();
  });

  it("reads nothing again for a follower who has seen all there is", async () => {
    await stores.logs.append(attempt, 1, ["a"]);
    const { cursor } = await stores.logs.read(attempt, { limit: 9, upTo: 1 });
    await damage(/./g);
    const next = { lines: [], cursor, end: true };
    expect(await stores.logs.read(attempt, { cursor, limit: 9, upTo: 1 })).toEqual(next);
    await stores.logs.append(attempt, 2, ["b"]);
    expect(textsOf((await stores.logs.read(attempt, { cursor, limit: 9, upTo: 2 })).lines)).toEqual(["b"]);
  });

  it("comes to the next line from a cursor inside of one, and to the end from one beyond", async () => {
    await stores.logs.append(attempt, 1, ["aaaa", "bbbb", "cccc"]);
    const from = async (cursor: string) =>
      textsOf((await stores.logs.read(attempt, { cursor, limit: 9, upTo: 1 })).lines);
    expect(await from("1:3")).toEqual(["bbbb", "cccc"]);
    expect(await from("1:7")).toEqual(["bbbb", "cccc"]);
    expect(await from("1:9007199254740991")).toEqual([]);
    expect(await from("9007199254740991:0")).toEqual([]);
    await expect(from("1:9007199254740992")).rejects.toEqual(invalid);
    await expect(from("9007199254740992:0")).rejects.toEqual(invalid);
  });

  it("ends a page early rather than hold many megabytes of long lines", async () => {
    const lines = Array.from({ length: 40 }, (_, i) => String(i % 10).repeat(300_000));
    await stores.logs.append(attempt, 1, lines);
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined, end = false; !end; pages++) {
      const page = await stores.logs.read(attempt, { cursor, limit: 1000, upTo: 1 });
      seen.push(...textsOf(page.lines));
      ({ cursor, end } = page);
    }
    expect(pages).toBe(3);
    expect(seen.every((line, i) => line === lines[i]) && seen.length === 40).toBe(true);
  });

  it("pages through a chunk of 100,000 lines in time that grows with the page, not with the chunk", async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i} ${"x".repeat(60)}`);
    await stores.logs.append(attempt, 1, lines);
    const started = performance.now();
    let count = 0;
    for (let cursor: string | undefined, end = false; !end; ) {
      const page = await stores.logs.read(attempt, { cursor, limit: 200, upTo: 1 });
      const first = page.lines[0]?.text;
      if (first !== lines[count]) throw new Error(`expected line ${count}, found ${first}`);
      count += page.lines.length;
      ({ cursor, end } = page);
    }
    expect(count).toBe(100_000);
    // 500 pages take about half a second; were each to read the chunk from its start, over a minute.
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

it("keeps no more than one block of a large artifact in memory", async () => {
  const block = new Uint8Array(1024 * 1024);
  const stream = async function* () {
    for (let i = 0; i < 200; i++) yield block;
  };
  const before = process.memoryUsage().rss;
  expect(await stores.artifacts.put(at("large"), stream())).toMatchObject({ size: 200 * 1024 * 1024 });
  const found = await stores.artifacts.get(at("large"));
  let size = 0;
  for await (const part of found?.stream ?? []) size += part.length;
  expect(size).toBe(200 * 1024 * 1024);
  expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024);
});
