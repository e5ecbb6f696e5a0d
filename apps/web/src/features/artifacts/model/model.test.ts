import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { fileName } from "../../../lib/save.ts";
import { highlight } from "../preview/highlight.ts";
import { type Artifact, artifactUrl } from "./artifact.ts";
import { diffOf } from "./diff.ts";
import { previewOf, textOf } from "./preview.ts";
import { type Entry, matching, rowsOf, treeOf } from "./tree.ts";
import { archivePaths, zipOf } from "./zip.ts";

const artifact = (path: string, fields: Partial<Artifact> = {}): Artifact => ({
  project_id: "proj_000000000000",
  stage: "one",
  attempt: 1,
  path,
  ...fields,
});

const outline = (entries: readonly Entry[]): unknown[] =>
  entries.map((entry) => (entry.kind === "file" ? entry.name : { [entry.name]: outline(entry.children) }));

describe("rowsOf", () => {
  it("has the rows of open folders, each as deep as it is; very large ones open when they are asked for", () => {
    const many = Array.from({ length: 201 }, (_, i) => artifact(`large/${i}`));
    const entries = treeOf([artifact("a/b/x"), artifact("a/y"), ...many]);
    const shown = (turned: string[]) =>
      rowsOf(entries, new Set(turned)).map(({ entry, depth, open }) => `${depth} ${entry.name} ${open}`);
    expect(shown([])).toEqual(["0 a true", "1 b true", "2 x false", "1 y false", "0 large false"]);
    expect(shown(["a"])).toEqual(["0 a false", "0 large false"]);
    expect(shown(["a", "large"])).toHaveLength(203);
  });
});

describe("treeOf", () => {
  it("puts folders first, joins those that hold one folder alone, and sorts numbers as numbers", () => {
    const paths = [
      "b.txt",
      "agents/math/agent.mjs",
      "agents/math/tools/t10.mjs",
      "agents/math/tools/t9.mjs",
      "a.txt",
    ];
    expect(outline(treeOf(paths.map((path) => artifact(path))))).toEqual([
      { "agents/math": [{ tools: ["t9.mjs", "t10.mjs"] }, "agent.mjs"] },
      "a.txt",
      "b.txt",
    ]);
  });

  it("counts the files below, and keeps one path of two stages twice", () => {
    const [folder] = treeOf([artifact("a/x"), artifact("a/x", { stage: "two" }), artifact("a/b/y")]);
    expect(folder).toMatchObject({ kind: "folder", path: "a", files: 3 });
  });

  it("takes names that mean something to objects for names", () => {
    expect(outline(treeOf([artifact("constructor/toString"), artifact("constructor/x")]))).toEqual([
      { constructor: ["toString", "x"] },
    ]);
  });

  it("finds by any part of the path", () => {
    const all = [artifact("a/Report.md"), artifact("b/c.txt")];
    expect(matching(all, " report ").map(({ path }) => path)).toEqual(["a/Report.md"]);
    expect(matching(all, "")).toHaveLength(2);
  });
});

describe("artifactUrl", () => {
  it("leaves no character of a path to mean something in an address", () => {
    const url = artifactUrl({ project_id: "proj_1", stage: "s", attempt: 2, path: "a b/#?%&/../ü.txt" });
    expect(url).toBe("/artifacts/proj_1/a%20b/%23%3F%25%26/../%C3%BC.txt?stage=s&attempt=2");
  });
});

describe("previewOf", () => {
  it.each([
    ["a/prompt.yaml", undefined, { kind: "text", language: "yaml" }],
    ["a/agent.mjs", "text/javascript", { kind: "text", language: "javascript" }],
    ["README", "text/markdown", { kind: "text", language: "markdown", drawn: "markdown" }],
    ["main.py", "application/octet-stream", { kind: "text", language: "python" }],
    ["notes.txt", "text/plain", { kind: "text" }],
    ["plain", undefined, { kind: "text" }],
    ["chart.png", "image/png", { kind: "image" }],
    ["drawing.svg", "image/svg+xml", { kind: "text", language: "xml", drawn: "svg" }],
    ["rows.csv", "text/csv", { kind: "text", drawn: "table" }],
    ["data.json", undefined, { kind: "text", language: "json", drawn: "json" }],
    ["data.bin", "application/octet-stream", { kind: "binary" }],
    // F11: a name without an ending says nothing; the bytes do.
    ["docs/README", "application/octet-stream", { kind: "text" }],
    [".hidden", "application/octet-stream", { kind: "text" }],
    ["model.parquet", "application/vnd.apache.parquet", { kind: "binary" }],
  ])("%s (%s)", (path, media_type, expected) => {
    expect(previewOf({ path, ...(media_type !== undefined && { media_type }) })).toEqual(expected);
  });

  it("takes bytes for text only when they are UTF-8 without zero bytes", () => {
    expect(textOf(new TextEncoder().encode("文字"))).toBe("文字");
    expect(textOf(new Uint8Array([0x61, 0, 0x62]))).toBeUndefined();
    expect(textOf(new Uint8Array([0xff, 0xfe, 0x61]))).toBeUndefined();
  });
});

describe("highlight", () => {
  it("keeps every character of the text, line by line", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
    const text = "const a = `x\n${b}`;\n\n// <script>alert(1)</script>\n";
    const lines = highlight(text, "javascript");
    expect(lines.map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(text);
    expect(lines[0]).toContainEqual({ text: "const", name: "keyword" });
    expect(lines[3]).toEqual([{ text: "// <script>alert(1)</script>", name: "comment" }]);
  });

  it.each(["yaml", "json", "python", "markdown", "xml", "bash"] as const)("knows %s", (language) => {
    const text = "a: 1\n# b\n<c>\n";
    expect(
      highlight(text, language)
        .map((line) => line.map((token) => token.text).join(""))
        .join("\n"),
    ).toBe(text);
  });
});

describe("diffOf", () => {
  it("numbers the lines of both texts and keeps a few around each change", () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`).join("\n");
    const diff = diffOf(before, before.replace("line 10", "line ten"));
    expect(diff).toMatchObject({ added: 1, removed: 1 });
    const lines = diff?.hunks[0]?.lines ?? [];
    expect(lines).toHaveLength(8);
    expect(lines[3]).toEqual({ kind: "removed", text: "line 10", before: 10 });
    expect(lines[4]).toEqual({ kind: "added", text: "line ten", after: 10 });
    expect(lines[5]).toEqual({ kind: "same", text: "line 11", before: 11, after: 11 });
  });

  it("has nothing to say of texts that are the same", () => {
    expect(diffOf("a\n", "a\n")).toEqual({ hunks: [], added: 0, removed: 0 });
  });

  it("takes lines that look like its own marks for lines", () => {
    expect(diffOf("-a\n", "+a\n")?.hunks[0]?.lines).toEqual([
      { kind: "removed", text: "-a", before: 1 },
      { kind: "added", text: "+a", after: 1 },
    ]);
  });
});

describe("zipOf", () => {
  it("packs every file with its bytes, in turn", async () => {
    const big = new Uint8Array(1_500_000).fill(7);
    const done: number[] = [];
    const entries = [
      { path: "a/文件.txt", bytes: async () => new TextEncoder().encode("hello") },
      { path: "big.bin", bytes: async () => big },
    ];
    const blob = await zipOf(entries, (count) => done.push(count));
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(new TextDecoder().decode(files["a/文件.txt"])).toBe("hello");
    expect(Buffer.from(files["big.bin"] ?? []).equals(big)).toBe(true);
    expect(done).toEqual([1, 2]);
  });

  it("files keep their permission bits, however large they are", async () => {
    const entries = [10, 1_500_000].flatMap((size) =>
      [{ executable: true }, {}, { mode: "0600" }].map((bits, i) => ({
        path: `${size} ${i}`,
        ...bits,
        bytes: async () => new Uint8Array(size),
      })),
    );
    const bytes = Buffer.from(await (await zipOf(entries)).arrayBuffer());
    const modes: string[] = [];
    // The central directory: of each file the system (3: Unix) and the mode.
    for (let at = bytes.indexOf("PK\x01\x02"); at >= 0; at = bytes.indexOf("PK\x01\x02", at + 4))
      modes.push(`${bytes[at + 5]} ${bytes.readUInt16LE(at + 40).toString(8)}`);
    const expected = ["3 100755", "3 100644", "3 100600"];
    expect(modes).toEqual([...expected, ...expected]);
  });

  it("fails with what a file fails with", async () => {
    const broken = { path: "x", bytes: () => Promise.reject(new Error("gone")) };
    await expect(zipOf([broken])).rejects.toThrow("gone");
  });

  it("keeps the same path of two stages apart", () => {
    const all = [artifact("same"), artifact("same", { stage: "two" }), artifact("own")];
    expect([...archivePaths(all).values()]).toEqual(["one/same", "two/same", "own"]);
  });

  it("F11: has a file of one stage apart from those that lie in a folder of its path", () => {
    const all = [
      artifact("x", { stage: "a" }),
      artifact("x", { stage: "b" }),
      artifact("a/x", { stage: "c" }),
      artifact("c/a/x", { stage: "d" }),
    ];
    const paths = [...archivePaths(all).values()];
    expect(new Set(paths).size).toBe(4);
    expect(paths).toEqual(["a/x", "b/x", "c/a/x", "d/c/a/x"]);
  });

  it("D10: leaves out what is kept elsewhere, and has the rest", async () => {
    const entries = [
      { path: "model.bin", bytes: async () => undefined },
      { path: "a.txt", bytes: async () => new TextEncoder().encode("a") },
    ];
    const done: number[] = [];
    const blob = await zipOf(entries, (count) => done.push(count));
    expect(Object.keys(unzipSync(new Uint8Array(await blob.arrayBuffer())))).toEqual(["a.txt"]);
    expect(done).toEqual([1, 2]);
  });
});

it("fileName leaves nothing that a file system minds", () => {
  expect(fileName('a/b\\c:d*e?"f"<g>|h.log')).toBe("a-b-c-d-e-f-g-h.log");
  expect(fileName("../../etc/passwd")).toBe("etc-passwd");
  expect(fileName("提示词 1.log")).toBe("提示词 1.log");
  expect(fileName("\u0000")).toBe("download");
});
