import { createHash } from "node:crypto";
import {
  type ArtifactRef,
  type ArtifactStore,
  type AttemptRef,
  type LogStore,
  type ReportedLine,
  textsOf,
} from "@stagefold/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface FileStores {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly cleanup: () => Promise<void>;
}

const A = "proj_00000000000a";
const B = "proj_00000000000b";
const at = (path: string, more: Partial<ArtifactRef> = {}): ArtifactRef => ({
  ...{ project_id: A, stage: "build", attempt: 1, path },
  ...more,
});
/** A store in memory answers within one turn of the event loop: loops that wait for another let that one run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const attempt = (more: Partial<AttemptRef> = {}): AttemptRef => ({
  ...{ project_id: A, stage: "build", attempt: 1 },
  ...more,
});
const bytesOf = (text: string) => new TextEncoder().encode(text);
const refusal = (code: string) => expect.objectContaining({ name: "StagefoldError", code });

/** What every adapter of ArtifactStore and LogStore has to do. `make` gives empty stores. */
export function fileStoresSuite(name: string, make: () => Promise<FileStores>): void {
  describe(`file stores: ${name}`, () => {
    let stores: FileStores;
    beforeEach(async () => {
      stores = await make();
    });
    afterEach(() => stores.cleanup());

    describe("artifacts", () => {
      it.each([
        ["nothing", bytesOf("")],
        ["a text", bytesOf("héllo 你好\r\n")],
        ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
        ["three megabytes", new Uint8Array(3_000_000).fill(7)],
      ])("gives back %s, with its size and SHA-256", async (_name, bytes) => {
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        expect(await stores.artifacts.put(at("a/b.bin"), bytes)).toEqual({ size: bytes.length, sha256 });
        expect(Buffer.compare(await read(stores.artifacts, at("a/b.bin")), bytes)).toBe(0);
        expect((await openAndDrop(stores.artifacts, at("a/b.bin")))?.size).toBe(bytes.length);
      });

      it("gives a range of the bytes, and the size of the whole", async () => {
        const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
        await stores.artifacts.put(at("r"), bytes);
        const ranges = [
          [0, 0],
          [0, 199_999],
          [199_999, 199_999],
          [65_535, 65_536],
          [100_000, 170_000],
        ] as const;
        for (const [first, last] of ranges) {
          const found = await stores.artifacts.get(at("r"), { range: { first, last } });
          const blocks: Uint8Array[] = [];
          for await (const block of found?.stream ?? []) blocks.push(block);
          expect(found?.size).toBe(200_000);
          expect(Buffer.compare(Buffer.concat(blocks), bytes.subarray(first, last + 1))).toBe(0);
        }
        for (const [first, last] of [
          [0, 200_000],
          [200_000, 200_001],
          [5, 4],
          [-1, 3],
          [0.5, 3],
        ] as const)
          await expect(stores.artifacts.get(at("r"), { range: { first, last } })).rejects.toEqual(
            refusal("INVALID_INPUT"),
          );
        expect(await stores.artifacts.get(at("none"), { range: { first: 0, last: 0 } })).toBeUndefined();
      });

      it("takes a stream, hashed as a whole", async () => {
        const stored = await stores.artifacts.put(at("s"), pieces("one ", "two ", "", "three"));
        const sha256 = createHash("sha256").update("one two three").digest("hex");
        expect(stored).toEqual({ size: 13, sha256 });
        expect(await text(stores.artifacts, at("s"))).toBe("one two three");
      });

      it("keeps projects, stages, attempts and paths apart", async () => {
        const refs = [
          at("x"),
          at("y"),
          at("x_y"),
          at("x", { attempt: 2 }),
          at("x", { attempt: 0 }),
          at("x", { stage: "build-2" }),
          at("x", { project_id: B }),
        ];
        for (const [i, ref] of refs.entries()) await stores.artifacts.put(ref, bytesOf(`${i}`));
        const found = await Promise.all(refs.map((ref) => text(stores.artifacts, ref)));
        expect(found).toEqual(refs.map((_, i) => `${i}`));
      });

      it("puts in place of what was there", async () => {
        await stores.artifacts.put(at("a"), bytesOf("a longer first"));
        await stores.artifacts.put(at("a"), bytesOf("second"));
        expect(await text(stores.artifacts, at("a"))).toBe("second");
      });

      it("answers undefined for what is not there", async () => {
        await stores.artifacts.put(at("dir/file"), bytesOf("x"));
        for (const ref of [at("no"), at("dir"), at("dir/file/below"), at("dir/file", { project_id: B })])
          expect(await stores.artifacts.get(ref)).toBeUndefined();
      });

      it("takes as much as the limit and keeps nothing of more", async () => {
        await stores.artifacts.put(at("a"), bytesOf("12345"), { limit: 5 });
        for (const content of [bytesOf("123456"), pieces("123", "456")])
          await expect(stores.artifacts.put(at("a"), content, { limit: 5 })).rejects.toEqual(
            expect.objectContaining({ code: "PAYLOAD_TOO_LARGE", data: { limit: 5 } }),
          );
        await expect(stores.artifacts.put(at("b"), bytesOf("123456"), { limit: 5 })).rejects.toThrow();
        expect(await text(stores.artifacts, at("a"))).toBe("12345");
        expect(await stores.artifacts.get(at("b"))).toBeUndefined();
      });

      it("keeps nothing of a stream that breaks off, and says its own error", async () => {
        await stores.artifacts.put(at("a"), bytesOf("old"));
        for (const ref of [at("a"), at("new/b")])
          await expect(stores.artifacts.put(ref, broken("the line went dead"))).rejects.toThrow(
            "the line went dead",
          );
        expect(await text(stores.artifacts, at("a"))).toBe("old");
        expect(await stores.artifacts.get(at("new/b"))).toBeUndefined();
        // The broken stream left no folder behind that would be in the way either.
        await stores.artifacts.put(at("new"), bytesOf("fine"));
        expect(await text(stores.artifacts, at("new"))).toBe("fine");
      });

      it("shows readers whole versions only, however many write", async () => {
        const version = (n: number) => new Uint8Array(50_000 + n * 40_000).fill(n);
        await stores.artifacts.put(at("v"), version(0));
        let writing = true;
        const readers = [1, 2].map(async () => {
          let times = 0;
          for (; writing || times < 5; times++) {
            expectWhole(await read(stores.artifacts, at("v")), version);
            await turn();
          }
          return times;
        });
        const writer = async (first: number) => {
          for (let n = first; n < first + 10; n++) await stores.artifacts.put(at("v"), version(n));
        };
        await Promise.all([writer(1), writer(11)]).finally(() => {
          writing = false;
        });
        expect(Math.min(...(await Promise.all(readers)))).toBeGreaterThanOrEqual(5);
      });

      it("refuses every path that is not plainly below its attempt", async () => {
        await stores.artifacts.put(at("witness", { project_id: B }), bytesOf("untouched"));
        await fc.assert(
          fc.asyncProperty(nastyPath, async (path) => {
            const put = stores.artifacts.put(at(path), bytesOf(path));
            if (!isPlain(path)) {
              await expect(put).rejects.toEqual(refusal("INVALID_INPUT"));
              await expect(stores.artifacts.get(at(path))).rejects.toEqual(refusal("INVALID_INPUT"));
            } else {
              await put;
              expect(await text(stores.artifacts, at(path))).toBe(path);
              await stores.artifacts.removeProject(A);
            }
            expect(await text(stores.artifacts, at("witness", { project_id: B }))).toBe("untouched");
          }),
          { numRuns: 150 },
        );
      });

      it.each([
        ["project_id", { project_id: "../proj_00000000000b" }],
        ["project_id", { project_id: "" }],
        ["project_id", { project_id: "proj_00000000000A" }],
        ["stage", { stage: ".." }],
        ["stage", { stage: "a/b" }],
        ["stage", { stage: "" }],
        ["attempt", { attempt: -1 }],
        ["attempt", { attempt: 1.5 }],
        ["attempt", { attempt: Number.NaN }],
      ])("refuses a bad %s: %j", async (field, bad) => {
        const refusesIt = expect.objectContaining({
          code: "INVALID_INPUT",
          data: { issues: [expect.stringContaining(field)] },
        });
        await expect(stores.artifacts.put(at("a", bad), bytesOf("x"))).rejects.toEqual(refusesIt);
        await expect(stores.artifacts.get(at("a", bad))).rejects.toEqual(refusesIt);
        await expect(stores.logs.append(attempt(bad), 1, ["x"])).rejects.toEqual(refusesIt);
        await expect(stores.logs.read(attempt(bad), { limit: 1, upTo: 1 })).rejects.toEqual(refusesIt);
      });
    });

    describe("documents", () => {
      it.each([[{ a: [1, null, "你好\u2028\ud800"] }], [[]], ["text"], [0], [null], [false]])(
        "gives back %j",
        async (value) => {
          await stores.artifacts.putDocument(A, "manifest-1.json_x", value);
          expect(await stores.artifacts.getDocument(A, "manifest-1.json_x")).toEqual(value);
        },
      );

      it("removes a document, and one that is not there without an error", async () => {
        await stores.artifacts.putDocument(A, "old", 1);
        await stores.artifacts.putDocument(A, "new", 2);
        await stores.artifacts.removeDocument(A, "old");
        await stores.artifacts.removeDocument(A, "old");
        expect(await stores.artifacts.getDocument(A, "old")).toBeUndefined();
        expect(await stores.artifacts.getDocument(A, "new")).toBe(2);
      });

      it("answers undefined for another name and another project", async () => {
        await stores.artifacts.putDocument(A, "one", 1);
        expect(await stores.artifacts.getDocument(A, "two")).toBeUndefined();
        expect(await stores.artifacts.getDocument(B, "one")).toBeUndefined();
      });

      it.each(["", "../x", "a/b", "A", "a\0", "a b", "x".repeat(201)])("refuses the name %j", async (bad) => {
        await expect(stores.artifacts.putDocument(A, bad, 1)).rejects.toEqual(refusal("INVALID_INPUT"));
        await expect(stores.artifacts.getDocument(A, bad)).rejects.toEqual(refusal("INVALID_INPUT"));
      });
    });

    describe("removeProject", () => {
      it("removes what the project has and nothing else", async () => {
        for (const project_id of [A, B]) {
          await stores.artifacts.put(at("d/a", { project_id }), bytesOf(project_id));
          await stores.artifacts.putDocument(project_id, "doc", project_id);
        }
        await stores.artifacts.removeProject(A);
        expect(await stores.artifacts.get(at("d/a"))).toBeUndefined();
        expect(await stores.artifacts.getDocument(A, "doc")).toBeUndefined();
        expect(await text(stores.artifacts, at("d/a", { project_id: B }))).toBe(B);
        expect(await stores.artifacts.getDocument(B, "doc")).toBe(B);
      });

      it("removes the logs", async () => {
        await stores.logs.append(attempt(), 1, ["gone"]);
        await stores.logs.append(attempt({ project_id: B }), 1, ["stays"]);
        await stores.artifacts.removeProject(A);
        expect(textsOf((await stores.logs.read(attempt(), { limit: 9, upTo: 9 })).lines)).toEqual([]);
        expect(
          textsOf((await stores.logs.read(attempt({ project_id: B }), { limit: 9, upTo: 9 })).lines),
        ).toEqual(["stays"]);
      });

      it("L5, L16: what late writes bring of a removed project is purged, and nothing of one that exists again", async () => {
        const { artifacts, logs } = stores;
        const none = async () => new Set<string>();
        for (const project_id of [A, B]) await artifacts.removeProject(project_id);
        expect(await artifacts.purgeRemoved(none)).toBe(0);
        for (const project_id of [A, B]) {
          await artifacts.put(at("late", { project_id }), bytesOf("x"));
          await artifacts.putDocument(project_id, "late", 1);
          await logs.append(attempt({ project_id }), 1, ["late"]);
        }
        const asked: string[] = [];
        const onlyB = async (ids: readonly string[]) => {
          asked.push(...ids);
          return new Set([B]);
        };
        expect(await artifacts.purgeRemoved(onlyB)).toBe(1);
        expect(asked.sort()).toEqual([A, B]);
        expect(await artifacts.get(at("late"))).toBeUndefined();
        expect(await artifacts.getDocument(A, "late")).toBeUndefined();
        expect(textsOf((await logs.read(attempt(), { limit: 9, upTo: 9 })).lines)).toEqual([]);
        expect(await text(artifacts, at("late", { project_id: B }))).toBe("x");
        // B may be about to be deleted: it is asked for again.
        expect(await artifacts.purgeRemoved(none)).toBe(1);
        expect(await artifacts.get(at("late", { project_id: B }))).toBeUndefined();
      });

      it("a project that was marked is purged once it does not exist", async () => {
        const { artifacts } = stores;
        await artifacts.put(at("a"), bytesOf("x"));
        await artifacts.markRemoved(A);
        expect(await artifacts.purgeRemoved(async (ids) => new Set(ids))).toBe(0);
        expect(await text(artifacts, at("a"))).toBe("x");
        expect(await artifacts.purgeRemoved(async () => new Set())).toBe(1);
        expect(await artifacts.get(at("a"))).toBeUndefined();
      });

      it("is content when there is nothing, and lets the project be written again", async () => {
        await stores.artifacts.removeProject(A);
        await stores.artifacts.put(at("a"), bytesOf("1"));
        await stores.artifacts.removeProject(A);
        await stores.artifacts.removeProject(A);
        await stores.artifacts.put(at("a"), bytesOf("2"));
        expect(await text(stores.artifacts, at("a"))).toBe("2");
      });

      it("goes together with writers: each is before or after it, and none fails", async () => {
        let removing = true;
        const writer = async (n: number) => {
          let i = 0;
          for (; removing; i++) {
            await stores.artifacts.put(at(`w${n}/${i % 3}/x`), bytesOf("x"));
            await turn();
          }
          return i;
        };
        const writers = [1, 2, 3].map(writer);
        for (let i = 0; i < 30; i++) {
          await stores.artifacts.removeProject(A);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        removing = false;
        expect(Math.min(...(await Promise.all(writers)))).toBeGreaterThan(0);
        await stores.artifacts.removeProject(A);
        expect(await stores.artifacts.get(at("w1/0/x"))).toBeUndefined();
      });
    });

    logSuite(() => stores.logs, it);
  });
}

function logSuite(logs: () => LogStore, refusals: typeof it.fails): void {
  describe("logs", () => {
    const all = { limit: 1000, upTo: Number.MAX_SAFE_INTEGER };

    it("gives back any line as it was", async () => {
      const line = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "\n", "a\nb", "\0", "\ud800"));
      let seq = 0;
      const expected: string[] = [];
      await fc.assert(
        fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
          await logs().append(attempt(), ++seq, lines);
          expected.push(...lines);
          expect(textsOf((await logs().read(attempt(), all)).lines)).toEqual(expected);
        }),
        { numRuns: 30 },
      );
    });

    it("keeps time, stream and how each line ends, and reads bare texts as they were", async () => {
      const at = "2026-11-29T10:11:12.345Z";
      const lines: ReportedLine[] = [
        { text: "out", at, stream: "stdout" },
        { text: "50 %", at, stream: "stderr", end: "\r" },
        { text: "begun", at, stream: "log", end: "" },
        { text: "at no known time" },
        "bare",
      ];
      await logs().append(attempt(), 1, lines);
      const expected = lines.map((line) => (typeof line === "string" ? { text: line } : line));
      expect((await logs().read(attempt(), all)).lines).toEqual(expected);
    });

    it("has nothing at first, and a cursor to go on from", async () => {
      const empty = await logs().read(attempt(), all);
      expect(empty).toEqual({ lines: [], cursor: expect.any(String), end: true });
      await logs().append(attempt(), 3, ["first"]);
      expect(textsOf((await logs().read(attempt(), { ...all, cursor: empty.cursor })).lines)).toEqual([
        "first",
      ]);
    });

    it("tells the end by whether there is more, on the very last line too", async () => {
      await logs().append(attempt(), 1, ["a", "b"]);
      await logs().append(attempt(), 2, ["c", "d"]);
      const ends = [];
      for (const limit of [1, 2, 3, 4, 5]) ends.push((await logs().read(attempt(), { ...all, limit })).end);
      expect(ends).toEqual([false, false, false, true, true]);
    });

    it("leaves out what was never acknowledged", async () => {
      await logs().append(attempt(), 1, ["a"]);
      await logs().append(attempt(), 2, ["b"]);
      const page = await logs().read(attempt(), { limit: 9, upTo: 1 });
      expect(page).toMatchObject({ lines: [{ text: "a" }], end: true });
      await logs().append(attempt(), 2, ["b, told again"]);
      const next = await logs().read(attempt(), { limit: 9, upTo: 2, cursor: page.cursor });
      expect(next).toMatchObject({ lines: [{ text: "b, told again" }], end: true });
      expect(textsOf((await logs().read(attempt(), { limit: 9, upTo: 0 })).lines)).toEqual([]);
    });

    it("has a chunk once, however often it is appended", async () => {
      await logs().append(attempt(), 1, ["a", "b"]);
      const page = await logs().read(attempt(), { ...all, limit: 1 });
      await logs().append(attempt(), 1, ["a", "b"]);
      await logs().append(attempt(), 2, []);
      expect(textsOf((await logs().read(attempt(), all)).lines)).toEqual(["a", "b"]);
      expect(textsOf((await logs().read(attempt(), { ...all, cursor: page.cursor })).lines)).toEqual(["b"]);
    });

    it("keeps attempts apart", async () => {
      const refs = [
        attempt(),
        attempt({ attempt: 2 }),
        attempt({ stage: "test" }),
        attempt({ project_id: B }),
      ];
      for (const [i, ref] of refs.entries()) await logs().append(ref, 1, [`${i}`]);
      const found = await Promise.all(refs.map(async (ref) => textsOf((await logs().read(ref, all)).lines)));
      expect(found).toEqual([["0"], ["1"], ["2"], ["3"]]);
    });

    it("pages through while it grows: every line once, in order", async () => {
      const step = fc.oneof(
        fc.record({ skip: fc.integer({ min: 1, max: 700 }), lines: fc.integer({ min: 0, max: 8 }) }),
        fc.record({ limit: fc.integer({ min: 1, max: 6 }) }),
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const ref = attempt({ attempt: ++run });
          const written: string[] = [];
          const seen: string[] = [];
          let cursor: string | undefined;
          let seq = 0;
          const page = async (limit: number) => {
            const got = await logs().read(ref, { cursor, limit, upTo: seq });
            expect(got.lines.length).toBeLessThanOrEqual(limit);
            cursor = got.cursor;
            seen.push(...textsOf(got.lines));
            expect(got.end).toBe(seen.length === written.length);
          };
          for (const next of steps) {
            if ("limit" in next) await page(next.limit);
            else {
              seq += next.skip;
              const lines = Array.from({ length: next.lines }, (_, i) => `${seq}/${i}`);
              await logs().append(ref, seq, lines);
              written.push(...lines);
            }
          }
          while (seen.length < written.length) await page(5);
          expect(seen).toEqual(written);
        }),
        { numRuns: 25 },
      );
    });

    it("shows the same after an attempt was sealed, more than once, and what is appended after it", async () => {
      const long = Array.from({ length: 300 }, (_, i) => `${i} ${"x".repeat(100)}`);
      const chunks = [["a", "b"], long, [], ["c"], ["d", "\ud800"]];
      const read = async (limit: number, upTo: number) => {
        const lines: string[] = [];
        const cursors: string[] = [];
        for (let cursor: string | undefined, end = false; !end; ) {
          const page = await logs().read(attempt(), { cursor, limit, upTo });
          lines.push(...textsOf(page.lines));
          ({ cursor, end } = page);
          cursors.push(page.cursor);
        }
        return { lines, cursors };
      };
      for (const [i, lines] of chunks.entries()) await logs().append(attempt(), i * 3 + 1, lines);
      const limits = [1, 7, 1000];
      const before = await Promise.all(limits.map((limit) => read(limit, 10)));
      expect(before[0]?.lines).toEqual(chunks.slice(0, 4).flat());
      for (let time = 0; time < 2; time++) {
        await Promise.all([logs().seal?.(attempt()), logs().seal?.(attempt())]);
        expect(await Promise.all(limits.map((limit) => read(limit, 10)))).toEqual(before);
        await logs().sealOld?.((error) => {
          throw error;
        });
      }
      expect((await read(2, 13)).lines).toEqual(chunks.flat());
      await logs().append(attempt(), 20, ["e"]);
      expect((await read(2, 20)).lines).toEqual([...chunks.flat(), "e"]);
      await logs().seal?.(attempt());
      expect((await read(2, 20)).lines).toEqual([...chunks.flat(), "e"]);
      await logs().seal?.(attempt({ attempt: 9 }));
      expect((await logs().read(attempt({ attempt: 9 }), all)).lines).toEqual([]);
    });

    it("shows a reader in parallel no chunk in part", async () => {
      const chunk = (n: number) => Array.from({ length: 2000 }, (_, i) => `${n}:${i}`);
      let done = 0;
      const writing = (async () => {
        for (let n = 1; n <= 10; n++) {
          await logs().append(attempt(), n, chunk(n));
          done = n;
        }
      })();
      for (let finished = false; !finished; ) {
        await turn();
        finished = done === 10;
        const page = await logs().read(attempt(), { limit: 100_000, upTo: 100 });
        const lines = textsOf(page.lines);
        expect(lines).toEqual(Array.from({ length: lines.length / 2000 }, (_, n) => chunk(n + 1)).flat());
      }
      await writing;
    });

    refusals.each([
      "x",
      "1",
      "-1:0",
      "1:-1",
      "1:2:3:4",
      "1:x",
      "",
      " 1:1",
      "1e3:0",
      "../1:0",
      "9".repeat(40),
    ])("refuses the cursor %j", async (cursor) => {
      await logs().append(attempt(), 1, ["a"]);
      await expect(logs().read(attempt(), { ...all, cursor })).rejects.toEqual(refusal("INVALID_INPUT"));
    });

    refusals.each([0, -1, 1.5, Number.NaN])("refuses the limit %j", async (limit) => {
      await expect(logs().read(attempt(), { ...all, limit })).rejects.toEqual(refusal("INVALID_INPUT"));
    });

    refusals.each([-1, 1.5, Number.NaN])("refuses the write number %j", async (seq) => {
      await expect(logs().append(attempt(), seq, ["a"])).rejects.toEqual(refusal("INVALID_INPUT"));
    });
  });
}

const nastyPart = fc.oneof(
  fc.constantFrom(
    ...["..", ".", "", "a", "…", "\0", "a\0b", "..\\..", "%2e%2e", "..;", "C:", "~", "-rf", "*"],
  ),
  fc.constantFrom(
    ...["__proto__", "a\nb", "\u007f", "日本語", " ", "\ud800", "x".repeat(256), "é".repeat(127), ".tmp"],
  ),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
);
const nastyPath = fc.array(nastyPart, { maxLength: 5 }).map((parts) => parts.join("/"));

/** Said in other words than the schema's: what may be kept. */
function isPlain(path: string): boolean {
  const odd = [...path].some(
    (c) => c < " " || c === "\u007f" || c === "\\" || (c >= "\ud800" && c <= "\udfff" && c.length === 1),
  );
  const parts = path.split("/");
  const long = Buffer.byteLength(path) > 1024 || parts.some((part) => Buffer.byteLength(part) > 255);
  const drive = path[1] === ":" && /[a-z]/i.test(path.charAt(0));
  return !odd && !long && !drive && !parts.some((part) => ["", ".", "..", "__proto__"].includes(part));
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of texts) yield bytesOf(piece);
}

async function* broken(message: string): AsyncGenerator<Uint8Array> {
  yield bytesOf("half of it");
  throw new Error(message);
}

async function read(store: ArtifactStore, ref: ArtifactRef): Promise<Uint8Array> {
  const found = await store.get(ref);
  if (!found) throw new Error(`expected ${ref.path}, found nothing`);
  const blocks: Uint8Array[] = [];
  for await (const block of found.stream) blocks.push(block);
  const bytes = new Uint8Array(Buffer.concat(blocks));
  expect(bytes.length).toBe(found.size);
  return bytes;
}

async function text(store: ArtifactStore, ref: ArtifactRef): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await read(store, ref));
}

/** Leaves the stream after its first block, as a reader does who has gone away. */
async function openAndDrop(store: ArtifactStore, ref: ArtifactRef) {
  const found = await store.get(ref);
  if (found) for await (const _block of found.stream) break;
  return found;
}

function expectWhole(bytes: Uint8Array, version: (n: number) => Uint8Array): void {
  const n = bytes[0] ?? -1;
  expect(Buffer.compare(bytes, version(n))).toBe(0);
}
