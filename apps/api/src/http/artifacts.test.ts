import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, open, readdir, rm, truncate } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileStores } from "@stagefold/core/files";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { serve } from "../../test/serve.ts";

interface Stores {
  deps: ReturnType<typeof memoryDeps>;
  root: string | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

const STORES: Record<string, () => Promise<Stores>> = {
  memory: () =>
    Promise.resolve({ deps: memoryDeps(), root: undefined, [Symbol.asyncDispose]: () => Promise.resolve() }),
  files: async () => {
    const root = await mkdtemp(join(tmpdir(), "stagefold-api-"));
    const remove = () => rm(root, { recursive: true, force: true });
    return { deps: memoryDeps(undefined, createFileStores(root)), root, [Symbol.asyncDispose]: remove };
  },
};

/** A stage that runs, of a program that may upload. */
async function running(stores: Stores) {
  const api = await serve(stores.deps);
  const caller = callerOf(stores.deps);
  const program = await Program.begin(caller);
  await program.report({ event: "started", stage: "one" });
  const address = (path: string, search = "stage=one&attempt=1") =>
    `/artifacts/${program.project_id}/${path.split("/").map(encodeURIComponent).join("/")}?${search}`;
  const put = (path: string, body: string | Uint8Array, lease = program.lease_token, search?: string) =>
    api.call(address(path, search), { method: "PUT", body, headers: { "x-stagefold-lease": String(lease) } });
  const record = (path: string, media_type: string, body: Uint8Array | string) =>
    program.report({
      event: "artifacts",
      stage: "one",
      artifacts: [{ path, media_type, size: Buffer.byteLength(body), sha256: sha256(body) }],
    });
  return { ...api, caller, program, address, put, record };
}

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

describe.each(Object.keys(STORES))("artifacts over HTTP, kept in %s", (name) => {
  const open = () => {
    const make = STORES[name];
    if (!make) throw new Error(name);
    return make();
  };

  it("are uploaded by the lease owner, recorded by an event, and downloaded as they were", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const bytes = randomBytes(300_000);
    const stored = await api.put("out/数据 1.bin", bytes);
    expect(stored).toMatchObject({
      status: 200,
      body: { path: "out/数据 1.bin", size: 300_000, sha256: sha256(bytes) },
    });
    expect((await api.call(api.address("out/数据 1.bin", ""))).status).toBe(404);
    await api.record("out/数据 1.bin", "application/octet-stream", bytes);
    const answer = await fetch(api.url + api.address("out/数据 1.bin", ""));
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    expect(answer.headers.get("content-length")).toBe("300000");
    expect(answer.headers.get("etag")).toBe(`"${sha256(bytes)}"`);
    expect(answer.headers.get("content-disposition")).toMatch(
      /^attachment; filename="\?\? 1\.bin"; filename\*=UTF-8''/,
    );
  });

  it("are not sent again to those who have them, and HEAD sends none", async () => {
    await using stores = await open();
    await using api = await running(stores);
    await api.put("a.txt", "hello");
    await api.record("a.txt", "text/plain", "hello");
    const known = { "if-none-match": `"${sha256("hello")}"` };
    const again = await api.call(api.address("a.txt"), { headers: known });
    expect([again.status, again.text]).toEqual([304, ""]);
    const head = await api.call(api.address("a.txt"), { method: "HEAD" });
    expect([head.status, head.text, head.headers.get("content-length")]).toEqual([200, "", "5"]);
    expect((await api.call(api.address("a.txt"))).text).toBe("hello");
  });

  it("are sent in part where a range is asked for, and as a whole where it does not apply", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const bytes = randomBytes(200_000);
    await api.put("a.bin", bytes);
    await api.record("a.bin", "application/octet-stream", bytes);
    const get = async (headers: Record<string, string>, method = "GET") => {
      const answer = await fetch(api.url + api.address("a.bin", ""), { headers, method });
      const body = Buffer.from(await answer.arrayBuffer());
      const header = (name: string) => answer.headers.get(name);
      return {
        status: answer.status,
        body,
        range: header("content-range"),
        length: header("content-length"),
      };
    };
    for (const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=65535-131072", 65_535, 131_072],
      ["bytes=100000-", 100_000, 199_999],
      ["bytes=-10", 199_990, 199_999],
      ["bytes=199999-900000", 199_999, 199_999],
    ] as const) {
      const part = await get({ range });
      expect([part.status, part.range]).toEqual([206, `bytes ${first}-${last}/200000`]);
      expect(part.length).toBe(String(last - first + 1));
      expect(part.body.equals(bytes.subarray(first, last + 1)), range).toBe(true);
    }
    const etag = `"${sha256(bytes)}"`;
    expect((await get({ range: "bytes=5-9", "if-range": etag })).status).toBe(206);
    for (const whole of [
      { range: "bytes=5-9", "if-range": '"another"' },
      { range: "bytes=5-9", "if-range": `W/${etag}` },
      { range: "bytes=5-9", "if-range": "Sun, 29 Nov 2026 10:00:00 GMT" },
      { range: "bytes=0-1,5-6" },
      { range: "bytes=9-5" },
      { range: "rows=1-2" },
    ]) {
      const all = await get(whole);
      expect([all.status, all.body.equals(bytes), all.range], JSON.stringify(whole)).toEqual([
        200,
        true,
        null,
      ]);
    }
    expect((await get({ range: "bytes=1-2", "if-none-match": etag })).status).toBe(304);
    expect(await get({ range: "bytes=1-2" }, "HEAD")).toMatchObject({
      status: 200,
      length: "200000",
      range: null,
    });
    for (const range of ["bytes=200000-", "bytes=200000-200001", "bytes=-0"]) {
      const refused = await get({ range });
      expect([refused.status, refused.range]).toEqual([416, "bytes */200000"]);
      expect(JSON.parse(refused.body.toString())).toMatchObject({
        error: { data: { stagefold: { code: "INVALID_INPUT" } } },
      });
    }
  });

  it("never come as something that a browser would run", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const types = {
      "text/html": "text/plain; charset=utf-8",
      "image/svg+xml": "application/octet-stream",
      "application/javascript": "text/plain; charset=utf-8",
      "application/xhtml+xml": "text/plain; charset=utf-8",
      "TEXT/HTML; charset=x": "text/plain; charset=utf-8",
      "text/markdown": "text/markdown; charset=utf-8",
      "application/json": "application/json; charset=utf-8",
      "application/yaml": "text/plain; charset=utf-8",
      "image/png": "image/png",
      "what/ever\r\nx: y": "application/octet-stream",
    };
    for (const [i, [recorded, served]] of Object.entries(types).entries()) {
      const path = `f${i}.html`;
      await api.put(path, "<script>alert(1)</script>");
      await api.record(path, recorded, "<script>alert(1)</script>");
      const { status, headers } = await api.call(api.address(path));
      expect([status, headers.get("content-type")], recorded).toEqual([200, served]);
      expect(headers.get("content-disposition")).toBe(`attachment; filename=${path}`);
      expect(headers.get("content-security-policy")).toContain("sandbox");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  it("are found at the last stage that lists the path, or where the address says", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const { program } = api;
    await api.put("a.txt", "of one");
    await api.record("a.txt", "text/plain", "of one");
    await program.report({ event: "failed", stage: "one", message: "again", retry_in_seconds: 0 });
    const next = await Program.claim(api.caller, program.project_id);
    await next.report({ event: "started", stage: "one" });
    await api.put("a.txt", "of one, again", next.lease_token, "stage=one&attempt=2");
    await next.report(
      { event: "completed", stage: "one", artifacts: [{ path: "a.txt" }] },
      { event: "started", stage: "two" },
    );
    await api.put("a.txt", "of two", next.lease_token, "stage=two&attempt=1");
    await next.report({ event: "completed", stage: "two", artifacts: [{ path: "a.txt" }] });
    const text = async (search: string) => (await api.call(api.address("a.txt", search))).text;
    expect(await text("")).toBe("of two");
    expect(await text("stage=one")).toBe("of one, again");
    expect(await text("stage=one&attempt=2")).toBe("of one, again");
    expect(await text("stage=one&attempt=1")).toBe("of one");
    for (const search of ["stage=one&attempt=3", "stage=one&attempt=0"])
      expect(await api.call(api.address("a.txt", search)), search).toMatchObject({
        status: 404,
        body: { error: { data: { stagefold: { code: "ARTIFACT_NOT_FOUND", path: "a.txt" } } } },
      });
    expect((await api.call(api.address("a.txt", "attempt=1"))).status).toBe(400);
    expect((await api.call(api.address("a.txt", "stage=none"))).status).toBe(404);
  });

  it("are taken from nobody but the lease owner of the attempt that runs", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const { program } = api;
    const refused = [
      await api.put("a", "x", program.lease_token - 1),
      await api.put("a", "x", program.lease_token, "stage=one&attempt=2"),
      await api.put("a", "x", program.lease_token, "stage=two&attempt=0"),
    ];
    await api.caller.projects.cancel({ project_id: program.project_id });
    refused.push(await api.put("a", "x"));
    for (const answer of refused)
      expect(answer).toMatchObject({
        status: 409,
        body: { error: { data: { stagefold: { code: "LEASE_LOST" } } } },
      });
    const outside = api.address("X").replace("X", "..%2fa");
    expect(
      (await api.call(outside, { method: "PUT", body: "x", headers: { "x-stagefold-lease": "1" } })).status,
    ).toBe(400);
    expect((await api.put("a", "x", program.lease_token, "stage=one&attempt=x")).status).toBe(400);
  });

  it("leave nothing when the upload breaks off or is too large", async () => {
    await using stores = await open();
    await using api = await running(stores);
    const headers = { "x-stagefold-lease": String(api.program.lease_token) };
    const broken = request(api.url + api.address("a"), {
      method: "PUT",
      headers: { ...headers, "content-length": 1000 },
    });
    broken.on("error", () => undefined);
    broken.write("half");
    await new Promise((resolve) => setTimeout(resolve, 100));
    broken.destroy();
    const tooLarge = await api.put("b", new Uint8Array(64 * 1024 * 1024 + 1));
    expect(tooLarge).toMatchObject({
      status: 413,
      body: { error: { data: { stagefold: { code: "PAYLOAD_TOO_LARGE", limit: 67_108_864 } } } },
    });
    const chunks = (async function* () {
      for (let i = 0; i < 65; i++) yield new Uint8Array(1024 * 1024);
    })();
    const streamed = await fetch(api.url + api.address("c"), {
      method: "PUT",
      headers,
      body: ReadableStream.from(chunks),
      duplex: "half",
    });
    expect([streamed.status, (await streamed.text()).includes("PAYLOAD_TOO_LARGE")]).toEqual([413, true]);
    const ref = { project_id: api.program.project_id, stage: "one", attempt: 1 };
    for (const path of ["a", "b", "c"])
      expect(await stores.deps.artifacts.get({ ...ref, path })).toBeUndefined();
    const { root } = stores;
    if (root !== undefined) expect(await readdir(join(root, ".tmp"))).toEqual([]);
  });
});

const LARGE = SOAK ? 2 * 1024 ** 3 : 100 * 1024 ** 2;

it("are sent in constant memory at any size", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-api-"));
  const remove = () => rm(root, { recursive: true, force: true });
  await using api = await running({
    deps: memoryDeps(undefined, createFileStores(root)),
    root,
    [Symbol.asyncDispose]: remove,
  });
  await api.put("a.bin", "x");
  // A file with a hole: it takes no room on the disk.
  await truncate(join(root, api.program.project_id, "artifacts", "one", "1", "a.bin"), LARGE);
  await api.program.report({ event: "artifacts", stage: "one", artifacts: [{ path: "a.bin", size: LARGE }] });
  const before = process.memoryUsage.rss();
  let [size, most] = [0, 0];
  const from = LARGE * 0.75;
  for (const range of [undefined, `bytes=${from}-${LARGE - 1}`]) {
    const answer = await fetch(api.url + api.address("a.bin", ""), {
      headers: range === undefined ? {} : { range },
    });
    for await (const block of answer.body ?? []) {
      size += block.length;
      most = Math.max(most, process.memoryUsage.rss());
    }
  }
  expect(size).toBe(LARGE + LARGE - from);
  expect(most - before).toBeLessThan(80 * 1024 ** 2);
  await remove();
});

describe("L18: artifacts that are not on the disk as they were recorded", () => {
  async function damagedFile(bytes: Buffer, damage: (path: string) => Promise<void>) {
    const root = await mkdtemp(join(tmpdir(), "stagefold-api-"));
    const api = await running({
      deps: memoryDeps(undefined, createFileStores(root)),
      root,
      [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
    });
    await api.put("a.bin", bytes);
    await api.record("a.bin", "application/octet-stream", bytes);
    await damage(join(root, api.program.project_id, "artifacts", "one", "1", "a.bin"));
    const [get, head] = await Promise.all([
      fetch(api.url + api.address("a.bin", "")).then(async (answer) => ({
        status: answer.status,
        type: answer.headers.get("content-type"),
        text: await answer.text().catch(() => "broken off"),
      })),
      fetch(api.url + api.address("a.bin", ""), { method: "HEAD" }),
    ]);
    await api.close();
    await rm(root, { recursive: true, force: true });
    return { get, head: head.status };
  }
  const cut = (path: string) => truncate(path, 50_000);
  const change = async (path: string) => {
    const file = await open(path, "r+");
    await file.write(Buffer.from("other"), 0, 5, 100);
    await file.close();
  };

  it("L18: half a file is refused, also to HEAD", async () => {
    const { get, head } = await damagedFile(randomBytes(100_000), cut);
    expect(get).toMatchObject({ status: 404, type: expect.stringContaining("application/json") });
    expect(get.text).toContain("100000 bytes were recorded, 50000 are there");
    expect(head).toBe(404);
  });

  it("L18: other bytes of the same size are refused", async () => {
    const { get } = await damagedFile(randomBytes(10_000), change);
    expect(get).toMatchObject({ status: 404, type: expect.stringContaining("application/json") });
    expect(get.text).toContain("not those that were recorded");
  });

  it("L18: of a large file that was changed no client gets the whole", async () => {
    const { get } = await damagedFile(randomBytes(3_000_000), change);
    expect(get.text).toBe("broken off");
  });
});
