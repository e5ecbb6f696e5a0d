import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFiles } from "./files.ts";
import { linesOf } from "./lines.ts";
import { SourceError } from "./source.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-source-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function allLines(...paths: string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const source of (await findFiles(paths)).sources)
    for await (const { line, text } of source.lines()) lines.push(`${source.name}:${line}:${text}`);
  return lines;
}

describe("files", () => {
  it("are read packed or not, whatever their names are", async () => {
    const plain = await put("a.json", "\uFEFFone\r\n\ntwo");
    const packed = await put("rows", gzipSync("three\nfour\n"));
    expect(await allLines(plain, packed)).toEqual([
      "a.json:1:one",
      "a.json:3:two",
      "rows:1:three",
      "rows:2:four",
    ]);
  });

  it("of a folder are those with rows, in order of their paths", async () => {
    await put("01-x/data/b.json.gz", gzipSync("b\n"));
    await put("01-x/data/a.json.gz", gzipSync("a\n"));
    await put("01-x/manifest-files.json", "no");
    await put("01-x/manifest-summary.json", "no");
    await put("01-x/manifest-files.md5", "no");
    await put("01-x/_started", "");
    await put("manifest.json", "no");
    await put(".hidden.json", "no");
    await put("notes.txt", "no");
    await put("more.jsonl", "c\n");
    expect(await allLines(folder)).toEqual(["a.json.gz:1:a", "b.json.gz:1:b", "more.jsonl:1:c"]);
  });

  it("in Amazon Ion are left aside by name and by content", async () => {
    await put("data/a.ion.gz", gzipSync("$ion_1_0 {}"));
    await put("data/b.json.gz", gzipSync("$ion_1_0 {}"));
    await put("data/c.json", new Uint8Array([0xe0, 1, 0, 0xea, 0x21]));
    await put("data/d.json", "x");
    const { sources, leftAside } = await findFiles([folder]);
    expect(sources.map(({ name }) => name)).toEqual(["d.json"]);
    expect(leftAside).toHaveLength(3);
  });

  it("that are not there, cut off or none at all are told", async () => {
    await expect(findFiles([join(folder, "nowhere")])).rejects.toThrow(SourceError);
    await put("sub/notes.txt", "no");
    await expect(findFiles([join(folder, "sub")])).rejects.toThrow("found no file of rows");
    const packed = gzipSync(Array.from({ length: 5000 }, (_, i) => `${i * 7919} ${Math.sin(i)}\n`).join(""));
    const cut = await put("cut.gz", packed.subarray(0, packed.length / 2));
    await expect(allLines(cut)).rejects.toThrow(`cannot read ${cut} to its end`);
  });
});

describe("lines", () => {
  async function* inChunks(bytes: Uint8Array, size: number) {
    for (let at = 0; at < bytes.length; at += size)
      yield await Promise.resolve(bytes.subarray(at, at + size));
  }

  it.each([1, 2, 3, 1000])("survive chunks of %i bytes", async (size) => {
    const read: (string | undefined)[] = [];
    for await (const { text } of linesOf(inChunks(Buffer.from("日本\nab🙂\n\nz"), size))) read.push(text);
    expect(read).toEqual(["日本", "ab🙂", "z"]);
  });

  it("that are too long to be a row are not held in memory", async () => {
    async function* long() {
      yield Buffer.from("a\n");
      for (let i = 0; i < 20; i++) yield await Promise.resolve(Buffer.alloc(1024 * 1024, "x"));
      yield Buffer.from("\nb");
    }
    const read: (string | undefined)[] = [];
    for await (const { text } of linesOf(long())) read.push(text);
    expect(read).toEqual(["a", undefined, "b"]);
  });
});
