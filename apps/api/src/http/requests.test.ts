import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { MemoryProjectStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { post, query, serve } from "../../test/serve.ts";

/** An answer as it is on the wire: `fetch` would hide how it was encoded. */
function wire(url: string, headers: Record<string, string>) {
  return new Promise<{ encoding: string | undefined; body: Buffer; type: string }>((resolve, reject) => {
    const sent = request(url, { headers, agent: false }, async (res) => {
      const parts: Buffer[] = [];
      for await (const part of res) parts.push(Buffer.from(part));
      const { "content-encoding": encoding, "content-type": type = "" } = res.headers;
      resolve({ encoding, type, body: Buffer.concat(parts) });
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("D9: answers are compressed where the client asks for it", () => {
  it("D9: JSON and the files of the page, and neither where it is not asked for", async () => {
    const page = await mkdtemp(join(tmpdir(), "stagefold-page-"));
    await mkdir(join(page, "assets"));
    await writeFile(join(page, "index.html"), `<!doctype html>${"<p>hello</p>".repeat(500)}`);
    await writeFile(join(page, "assets", "app-1.js"), "export const x = 1;\n".repeat(500));
    const deps = memoryDeps();
    await using api = await serve({ ...deps, pageDir: page });
    for (let i = 0; i < 20; i++) await api.client.projects.create.mutate({ requirement: `x${i}` });
    for (const path of ["/trpc/projects.list", "/", "/assets/app-1.js"]) {
      const accept = path === "/" ? { accept: "text/html" } : {};
      const plain = await wire(api.url + path, { ...accept, "accept-encoding": "identity" });
      const gzip = await wire(api.url + path, { ...accept, "accept-encoding": "gzip" });
      const brotli = await wire(api.url + path, { ...accept, "accept-encoding": "br, gzip" });
      expect([plain.encoding, gzip.encoding, brotli.encoding], path).toEqual([undefined, "gzip", "br"]);
      expect(gunzipSync(gzip.body).equals(plain.body), path).toBe(true);
      expect(brotliDecompressSync(brotli.body).equals(plain.body), path).toBe(true);
      expect(gzip.body.length, path).toBeLessThan(plain.body.length / 3);
    }
    await rm(page, { recursive: true });
  });

  it("D9: event streams are not, so that each event arrives when it is sent", async () => {
    await using api = await serve();
    const { project_id } = await api.client.projects.create.mutate({ requirement: "x".repeat(3000) });
    const paths = [
      `/trpc/projects.watch${query({ project_id })}`,
      `/trpc/projects.watchMany${query({ project_ids: [project_id] })}`,
    ];
    for (const path of paths) {
      const stop = new AbortController();
      const answer = await fetch(api.url + path, {
        headers: { "accept-encoding": "gzip", accept: "text/event-stream" },
        signal: stop.signal,
      });
      expect(answer.headers.get("content-encoding"), path).toBeNull();
      let text = "";
      for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part;
        if (text.includes(project_id)) break;
      }
      expect(text, path).toContain(project_id);
      stop.abort();
    }
  });
});

describe("O12: a body with content-encoding", () => {
  it.each([
    ["gzip, and is", gzipSync('{"requirement":"x"}')],
    ["gzip, and is not", '{"requirement":"x"}'],
  ])("O12: that says %s, is refused as what it is", async (_name, body) => {
    await using api = await serve();
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await api.call("/trpc/projects.create", { method: "POST", headers, body });
    expect(answer).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining("gzip") } },
    });
    const put = { "content-encoding": "br", "x-stagefold-lease": "1" };
    const address = "/artifacts/proj_000000000000/a?stage=one&attempt=1";
    expect((await api.call(address, { method: "PUT", headers: put, body })).status).toBe(415);
    expect((await api.client.projects.list.query()).items).toEqual([]);
  });
});

it("O5: a 64-bit integer in a body or an address is refused, not changed", async () => {
  await using api = await serve();
  const body = '{"requirement":"x","tags":["a"],"priority":3,"user_name":"12345678901234567890"}';
  expect((await api.call("/trpc/projects.create", post(body))).status).toBe(200);
  const refused = [
    await api.call(
      "/trpc/work.report",
      post(
        '{"project_id":"proj_000000000000","lease_token":1,"lease_seq":1,"events":[{"event":"completed","stage":"one","output":{"id":12345678901234567890}}]}',
      ),
    ),
    await api.call(
      `/trpc/projects.get?input=${encodeURIComponent('{"project_id":"proj_000000000000","x":12345678901234567890}')}`,
    ),
  ];
  for (const answer of refused)
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining("12345678901234567890") } },
    });
});

describe("S2: a watch whose input is not valid", () => {
  it.each([
    ["projects.watch", { project_id: "proj_12" }],
    ["projects.watch", undefined],
    ["projects.watchMany", { project_ids: ["proj_b4d99951a60"] }],
    ["projects.watchMany", { project_ids: "proj_b4d99951a60a" }],
    ["projects.watchList", { status: "lost" }],
    ["projects.watchList", JSON.parse('{"__proto__":1}')],
  ])("S2: %s %j is an answer and no stream", async (procedure, input) => {
    await using api = await serve();
    const search = input === undefined ? "" : query(input);
    const headers = { accept: "text/event-stream" };
    const answer = await api.call(`/trpc/${procedure}${search}`, { headers });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { data: { stagefold: { code: "INVALID_INPUT" } } } },
    });
  });
});

it("F11: a request that its client aborts is not counted as answered", async () => {
  class SilentStore extends MemoryProjectStore {
    override list() {
      return new Promise<never>(() => undefined);
    }
  }
  await using api = await serve(memoryDeps(new SilentStore()));
  const stop = new AbortController();
  const aborted = fetch(`${api.url}/trpc/projects.list`, { signal: stop.signal }).catch(() => "aborted");
  setTimeout(() => stop.abort(), 100);
  expect(await aborted).toBe("aborted");
  let seen: string[] = [];
  for (const end = performance.now() + 5000; seen.length === 0 && performance.now() < end; await sleep(20))
    seen = (await api.call("/metrics")).text.match(/requests_total\{route="trpc".*/g) ?? [];
  expect(seen).toEqual(['requests_total{route="trpc",method="GET",status="aborted"} 1']);
});
