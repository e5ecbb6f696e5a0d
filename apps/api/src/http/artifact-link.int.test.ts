import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRecordStore } from "@stagefold/core";
import { openBackend } from "@stagefold/runtime";
import { parseEnv } from "@stagefold/runtime/env";
import { startS3Double } from "@stagefold/store-testing";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { serve } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";

// As a machine without a role would have them: the double holds signatures against this secret.
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

const BYTES = randomBytes(300_000);
const NAME = "数据 (1)'s.csv";
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** An API that asks for keys, on a database of its own and a bucket, with one artifact. */
async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-link-"));
  const s3 = await startS3Double();
  const env = parseEnv({
    STAGEFOLD_DATA_DIR: folder,
    STAGEFOLD_FILES: `s3://${s3.bucket}/team`,
    STAGEFOLD_S3_ENDPOINT: s3.endpoint,
    STAGEFOLD_S3_DOWNLOADS: "presigned",
  });
  const backend = await openBackend(env);
  const { repository, artifacts, logs, feed, records, store } = backend;
  const deps = { ...memoryDeps(), repository, artifacts, logs, feed, records, store };
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth(
    { keys: true },
    { records: new MemoryRecordStore(), clock: repository.clock, onError },
  );
  const api = await serve({ ...deps, auth, linkDownloads: env.bucket?.presigned });
  const { key } = await auth.keys.create({ name: "ada", role: "viewer" }, "test");
  const program = await Program.begin(callerOf(deps));
  await program.report({ event: "started", stage: "one" });
  const { project_id } = program;
  await artifacts.put({ project_id, stage: "one", attempt: 1, path: NAME }, BYTES);
  await program.report({
    event: "artifacts",
    stage: "one",
    artifacts: [{ path: NAME, media_type: "text/csv", size: BYTES.length, sha256: sha256(BYTES) }],
  });
  const url = `${api.url}/artifacts/${project_id}/${encodeURIComponent(NAME)}`;
  const get = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { authorization: `Bearer ${key}`, ...headers } });
  const dispose = async () => {
    await api.close();
    await backend.close();
    await s3[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  return { api, s3, url, get, key, project_id, [Symbol.asyncDispose]: dispose };
}

describe("downloads by an address of the bucket", () => {
  it("are whole and in ranges, under their name and type, for those who are let in alone", async () => {
    await using here = await setUp();
    for (const headers of [{}, { authorization: "Bearer sf_000000000000_x" }])
      expect((await fetch(here.url, { headers, redirect: "manual" })).status).toBe(401);
    const sent = await here.get({}, { redirect: "manual" });
    expect([sent.status, sent.headers.get("cache-control")]).toEqual([302, "no-store"]);
    expect(sent.headers.get("content-disposition")).toBe(null);
    const link = new URL(sent.headers.get("location") ?? "");
    expect([link.origin, link.searchParams.get("X-Amz-Expires")]).toEqual([here.s3.endpoint, "60"]);
    expect(link.href).not.toContain(here.key);
    const whole = await here.get();
    expect(new URL(whole.url).origin).toBe(here.s3.endpoint);
    expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(sha256(BYTES));
    expect(whole.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(whole.headers.get("content-disposition")).toMatch(
      /^attachment; filename="\?\? \(1\)'s\.csv"; filename\*=UTF-8''/,
    );
    const part = await here.get({ range: "bytes=100-199" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 100-199/300000"]);
    expect(Buffer.from(await part.arrayBuffer()).equals(BYTES.subarray(100, 200))).toBe(true);
    expect((await here.get({ range: "bytes=300000-" })).status).toBe(416);
    expect((await here.get({ "if-none-match": `"${sha256(BYTES)}"` })).status).toBe(304);
  });

  it("are good for what was signed alone", async () => {
    await using here = await setUp();
    const sent = await here.get({}, { redirect: "manual" });
    const link = sent.headers.get("location") ?? "";
    const changes: Record<string, [number, (url: URL) => unknown]> = {
      "another object": [403, (url) => Object.assign(url, { pathname: `${url.pathname}x` })],
      "another type": [403, (url) => url.searchParams.set("response-content-type", "text/html")],
      "shown, not saved": [403, (url) => url.searchParams.delete("response-content-disposition")],
      "a longer time": [403, (url) => url.searchParams.set("X-Amz-Expires", "3600")],
    };
    for (const [name, [status, change]] of Object.entries(changes)) {
      const url = new URL(link);
      change(url);
      const answer = await fetch(url);
      expect([name, answer.status]).toEqual([name, status]);
    }
    expect((await fetch(link, { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(link)).status).toBe(200);
  });

  it("are not for what a page fetches, nor for HEAD; what a browser saves comes from the bucket", async () => {
    await using here = await setUp();
    const signIn = await fetch(`${here.api.url}/auth/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${here.key}` },
    });
    const cookie = signIn.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
    // fetch would name a mode of its own.
    const statusOf = async (headers: Record<string, string>, method = "GET") => {
      const sent = request(here.url, { method, headers }).end();
      const answer: IncomingMessage = (await once(sent, "response"))[0];
      return answer.resume().statusCode;
    };
    expect(await statusOf({ cookie })).toBe(200);
    const same = { cookie, "sec-fetch-site": "same-origin" };
    expect(await statusOf({ ...same, "sec-fetch-mode": "cors" })).toBe(200);
    expect(await statusOf({ ...same, "sec-fetch-mode": "navigate" })).toBe(302);
    expect(await statusOf({ authorization: `Bearer ${here.key}` }, "HEAD")).toBe(200);
  });

  it("of what is not in the bucket as it was recorded are refused here", async () => {
    await using here = await setUp();
    const [object = ""] = here.s3.objects.keys();
    here.s3.objects.set(object, Buffer.from("short"));
    const damaged = await here.get();
    expect([damaged.status, await damaged.text()]).toEqual([404, expect.stringContaining("is damaged")]);
    here.s3.objects.delete(object);
    const gone = await here.get();
    expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining("ARTIFACT_NOT_FOUND")]);
    here.s3.fate = () => "busy";
    expect((await here.get()).status).toBe(503);
  });
});
