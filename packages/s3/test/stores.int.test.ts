import { randomBytes } from "node:crypto";
import { MemoryRecordStore, textsOf } from "@stagefold/core";
import { fileStoresSuite, type S3Fate, startS3Double } from "@stagefold/store-testing";
import { describe, expect, it } from "vitest";
import { createS3Stores } from "../src/index.ts";
import { attempt, blocksOf, bucketSuite, PROJECT, read } from "./bucket.suite.ts";

const fail = (error: unknown) => {
  throw error;
};
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

async function setUp(now: () => number = Date.now) {
  const double = await startS3Double();
  const records = new MemoryRecordStore();
  const { bucket, endpoint } = double;
  const open = (prefix = "some/where") =>
    createS3Stores({ bucket, prefix, endpoint, credentials, records, clock: { now } });
  const stores = open();
  return {
    double,
    records,
    open,
    ...stores,
    async [Symbol.asyncDispose]() {
      stores.close();
      await double[Symbol.asyncDispose]();
    },
  };
}

fileStoresSuite("s3", async () => {
  const { artifacts, logs, ...rest } = await setUp();
  return { artifacts, logs, cleanup: () => rest[Symbol.asyncDispose]() };
});

bucketSuite("the double of S3", async () => {
  const { double, ...rest } = await setUp();
  return {
    ...rest,
    keys: async () => [...double.objects.keys()],
    openUploads: async () => double.uploads.size,
  };
});

describe("a bucket", () => {
  it("is given a large stream in parts", async () => {
    await using s3 = await setUp();
    await s3.artifacts.put({ ...attempt, path: "large" }, blocksOf(randomBytes(20_000_000)));
    expect(s3.double.count.get("UploadPart")).toBe(3);
  });

  it("is asked again when it is busy, or its reply is lost, or a download breaks off", async () => {
    await using s3 = await setUp();
    const bytes = randomBytes(9_000_000);
    let fates: S3Fate[] = [];
    s3.double.fate = () => fates.shift() ?? "pass";
    fates = ["busy", "pass", "lose", "pass", "busy", "pass", "lose"];
    await s3.artifacts.put({ ...attempt, path: "a" }, blocksOf(bytes));
    fates = ["cut", "busy", "cut"];
    expect((await read(s3.artifacts, "a")).equals(bytes)).toBe(true);
    fates = ["cut"];
    const range = { first: 1, last: 8_000_000 };
    expect((await read(s3.artifacts, "a", range)).equals(bytes.subarray(1, 8_000_001))).toBe(true);
    fates = ["conflict", "lose"];
    await s3.artifacts.putDocument(PROJECT, "doc", { a: 1 });
    expect(await s3.artifacts.getDocument(PROJECT, "doc")).toEqual({ a: 1 });
  });

  it("never gives half an object for a whole one", async () => {
    await using s3 = await setUp();
    await s3.artifacts.put({ ...attempt, path: "a" }, randomBytes(1_000_000));
    s3.double.fate = () => "cut";
    await expect(read(s3.artifacts, "a")).rejects.toEqual(
      expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
    );
    // Another object takes its place while it is read.
    let times = 0;
    s3.double.fate = ({ operation }) => (operation === "GetObject" && times++ === 0 ? "cut" : "pass");
    const found = await s3.artifacts.get({ ...attempt, path: "a" });
    await s3.artifacts.put({ ...attempt, path: "a" }, randomBytes(1_000_000));
    const all = async () => {
      for await (const _block of found?.stream ?? []);
    };
    await expect(all()).rejects.toEqual(expect.objectContaining({ code: "STORE_UNAVAILABLE" }));
  });

  it("says why it does not answer, and writes nothing outside its prefix", async () => {
    await using s3 = await setUp();
    const other = createS3Stores({
      ...{ bucket: "other", prefix: "", endpoint: s3.double.endpoint, credentials, records: s3.records },
    });
    await expect(other.artifacts.put({ ...attempt, path: "a" }, new Uint8Array(1))).rejects.toEqual(
      expect.objectContaining({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("NoSuchBucket"),
      }),
    );
    other.close();
    await s3.artifacts.put({ ...attempt, path: "a" }, new Uint8Array(1));
    await s3.artifacts.putDocument(PROJECT, "d", 1);
    await s3.logs.append(attempt, 1, ["x".repeat(10_000)]);
    await s3.logs.seal?.(attempt);
    const keys = [...s3.double.objects.keys()];
    expect(keys.every((key) => key.startsWith(`some/where/${PROJECT}/`))).toBe(true);
    const beside = s3.open("some/where/else");
    await beside.artifacts.put({ ...attempt, path: "a" }, new Uint8Array(2));
    await s3.artifacts.removeProject(PROJECT);
    expect([...s3.double.objects.keys()]).toEqual([`some/where/else/${PROJECT}/artifacts/build/1/a`]);
    beside.close();
  });

  it("gives an address for a download that is over after as long as was said", async () => {
    await using s3 = await setUp();
    const ref = { ...attempt, path: "a" };
    await s3.artifacts.put(ref, Buffer.from("content"));
    const link = await s3.artifacts.link?.(ref, { disposition: "inline", type: "text/csv", seconds: 60 });
    s3.double.now = () => Date.now() + 62_000;
    expect((await fetch(link?.url ?? "")).status).toBe(403);
  });

  it("removes a project of more objects than one page of a list has", async () => {
    await using s3 = await setUp();
    for (let i = 0; i < 210; i++)
      s3.double.objects.set(`some/where/${PROJECT}/artifacts/build/1/${i}`, Buffer.of(1));
    s3.double.pageSize = 100;
    await s3.artifacts.removeProject(PROJECT);
    expect([s3.double.objects.size, s3.double.count.get("ListObjectsV2")]).toEqual([0, 3]);
  });
});

describe("growing logs", () => {
  it("that lost an object show a line in its place, and all of the rest", async () => {
    await using s3 = await setUp();
    const lost = { text: "[A part of this log is not in the bucket any more.]", stream: "log" };
    const all = async () =>
      (await s3.logs.read(attempt, { limit: 100, upTo: Number.MAX_SAFE_INTEGER })).lines;
    await s3.logs.append(attempt, 1, ["first"]);
    await s3.logs.append(attempt, 2, ["y".repeat(20_000)]);
    await s3.logs.append(attempt, 3, ["third"]);
    s3.double.objects.clear();
    const before = await all();
    expect(textsOf(before)).toEqual(["first", lost.text, "third"]);
    expect(before[1]).toEqual(lost);
    // It is sealed like any other, so that the rest stays when its items expire.
    await s3.logs.seal?.(attempt);
    expect(await all()).toEqual(before);
    const [sealed, ...others] = [...s3.double.objects.keys()];
    expect(others).toEqual([]);
    await s3.logs.append(attempt, 4, ["fourth"]);
    s3.double.objects.delete(sealed ?? "");
    const other = s3.open();
    const page = await other.logs.read(attempt, { limit: 1, upTo: Number.MAX_SAFE_INTEGER });
    expect(page).toMatchObject({ lines: [lost], end: false });
    const next = { cursor: page.cursor, limit: 10, upTo: Number.MAX_SAFE_INTEGER };
    expect(textsOf((await other.logs.read(attempt, next)).lines)).toEqual(["fourth"]);
    other.close();
  });

  it("are small items, one object once sealed, and cost a page one query and one read", async () => {
    await using s3 = await setUp();
    for (let seq = 1; seq <= 300; seq++) await s3.logs.append(attempt, seq, [`line ${seq}`]);
    expect(s3.double.objects.size).toBe(0);
    await s3.logs.append(attempt, 301, ["y".repeat(20_000)]);
    expect(s3.double.objects.size).toBe(1);
    await s3.logs.seal?.(attempt);
    expect([...s3.double.objects.keys()]).toEqual([
      expect.stringMatching(/\/logs\/build\/1\/1-301\.[0-9a-f]{12}\.ndjson$/),
    ]);
    const again = s3.open();
    const page = await again.logs.read(attempt, { limit: 1000, upTo: 301 });
    expect(page.lines.length).toBe(301);
    expect(s3.double.count.get("GetObject")).toBe(2);
    again.close();
  });

  it("of which the chunks have expired are read from their object", async () => {
    await using s3 = await setUp();
    await s3.logs.append(attempt, 1, ["a"]);
    await s3.logs.append(attempt, 2, ["b"]);
    await s3.logs.seal?.(attempt);
    const { items } = await s3.records.query({ pk: `log#${PROJECT}`, limit: 10 });
    const chunks = items.filter(({ expires_at }) => expires_at !== undefined);
    expect(chunks.length).toBe(2);
    for (const { pk, sk } of chunks)
      await s3.records.write({ pk: String(pk), sk: String(sk), kind: "delete", guards: [] });
    expect(textsOf((await s3.logs.read(attempt, { limit: 9, upTo: 2 })).lines)).toEqual(["a", "b"]);
  });

  it("are sealed though one before them cannot be read", async () => {
    let now = Date.parse("2026-01-01T00:00:00.000Z");
    await using s3 = await setUp(() => now);
    for (const number of [1, 2, 3]) {
      await s3.logs.append({ ...attempt, attempt: number }, 1, ["a"]);
      now += 1000;
    }
    const { items } = await s3.records.query({ pk: `log#${PROJECT}`, limit: 10 });
    const broken = items.find(({ at }) => at !== undefined);
    if (!broken) throw new Error("expected a chunk");
    await s3.records.write({
      pk: String(broken.pk),
      sk: String(broken.sk),
      kind: "update",
      guards: [],
      edits: [{ op: "set", path: ["at"], value: "never" }],
    });
    now += 25 * 60 * 60 * 1000;
    const errors: unknown[] = [];
    await s3.logs.sealOld?.((error) => errors.push(error));
    expect(errors.length).toBe(1);
    expect([...s3.double.objects.keys()].map((key) => /logs\/build\/\d/.exec(key)?.[0]).sort()).toEqual([
      "logs/build/2",
      "logs/build/3",
    ]);
  });

  it("that their process left unsealed are sealed a day later, what is new stays as it is", async () => {
    let now = Date.parse("2026-01-01T00:00:00.000Z");
    await using s3 = await setUp(() => now);
    await s3.logs.append(attempt, 1, ["a"]);
    await s3.logs.sealOld?.(fail);
    expect(s3.double.objects.size).toBe(0);
    now += 25 * 60 * 60 * 1000;
    const late = s3.open();
    await late.logs.append({ ...attempt, attempt: 2 }, 5, ["new"]);
    await late.logs.sealOld?.(fail);
    expect([...s3.double.objects.keys()]).toEqual([expect.stringContaining("/logs/build/1/1-1.")]);
    expect(textsOf((await late.logs.read({ ...attempt, attempt: 2 }, { limit: 9, upTo: 5 })).lines)).toEqual([
      "new",
    ]);
    late.close();
  });
});

it("does as built what it does from its sources: the compiler has renamed fields of requests before", async () => {
  await using s3 = await setUp();
  const built: typeof import("../src/index.ts") = await import(
    new URL("../dist/index.js", import.meta.url).href
  );
  const { bucket, endpoint } = s3.double;
  const stores = built.createS3Stores({
    bucket,
    prefix: "some/where",
    endpoint,
    credentials,
    records: s3.records,
  });
  const bytes = randomBytes(6_000_000);
  await stores.artifacts.put({ ...attempt, path: "a" }, blocksOf(bytes));
  await stores.artifacts.put({ ...attempt, path: "b" }, bytes);
  await stores.logs.append(attempt, 1, ["a line"]);
  await stores.logs.seal?.(attempt);
  for (const path of ["a", "b"]) expect((await read(s3.artifacts, path)).equals(bytes)).toBe(true);
  expect((await s3.logs.read(attempt, { limit: 9, upTo: 1 })).lines.map(({ text }) => text)).toEqual([
    "a line",
  ]);
  await stores.artifacts.removeProject(PROJECT);
  expect(s3.double.objects.size).toBe(0);
  stores.close();
});
