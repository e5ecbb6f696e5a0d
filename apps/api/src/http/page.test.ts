import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { serve } from "../../test/serve.ts";

const html = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-page-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>The dashboard</title>");
  await writeFile(join(folder, "first.js"), "// first");
  await writeFile(join(folder, "assets/index-1a2b3c.js"), "// all");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const serveBuilt = () => serve({ ...memoryDeps(), pageDir: folder });

describe("the dashboard", () => {
  it("is at / and at every address of its own, under headers that hold it to what comes from here", async () => {
    await using api = await serveBuilt();
    for (const path of ["/", "/?status=failed", "/builds/proj_000000000000", "/new", "/statistics"]) {
      const page = await api.call(path, html);
      expect([page.status, page.text], path).toEqual([200, expect.stringContaining("The dashboard")]);
      expect(page.headers.get("content-type")).toContain("text/html");
      expect(page.headers.get("cache-control")).toBe("no-cache");
      expect(page.headers.get("x-content-type-options")).toBe("nosniff");
      expect(page.headers.get("x-powered-by")).toBeNull();
      const policy = page.headers.get("content-security-policy");
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
    }
  });

  it("has parts that browsers keep, where their names change with their content", async () => {
    await using api = await serveBuilt();
    const part = await api.call("/assets/index-1a2b3c.js");
    expect([part.status, part.headers.get("cache-control")]).toEqual([
      200,
      "public, max-age=31536000, immutable",
    ]);
    expect((await api.call("/first.js")).headers.get("cache-control")).toBe("no-cache");
  });

  it("is sent as the build has packed it to those who can unpack that", async () => {
    await writeFile(join(folder, "assets/app-4d5e.js"), "// plain");
    await writeFile(join(folder, "assets/app-4d5e.js.br"), brotliCompressSync("// packed by br"));
    await writeFile(join(folder, "assets/app-4d5e.js.gz"), gzipSync("// packed by gzip"));
    await using api = await serveBuilt();
    const asked = { br: "// packed by br", gzip: "// packed by gzip", identity: "// plain" };
    for (const [encoding, text] of Object.entries(asked)) {
      const headers = { "accept-encoding": encoding === "br" ? "gzip, deflate, br" : encoding };
      const part = await api.call("/assets/app-4d5e.js", { headers });
      expect([part.status, part.text]).toEqual([200, text]);
      expect(part.headers.get("content-type")).toContain("javascript");
      expect(part.headers.get("cache-control")).toContain("immutable");
      expect(part.headers.get("vary")).toContain("ccept-");
    }
  });

  it("is not in the place of what is missing elsewhere", async () => {
    await using api = await serveBuilt();
    const missing = ["/assets/gone.js", "/trpc/no.such", "/artifacts/proj_000000000000/x", "/metrics/x"];
    for (const path of missing) {
      const answer = await api.call(path, html);
      expect(answer.status, path).toBe(404);
      expect(answer.text, path).not.toContain("The dashboard");
    }
    // What asks for data, and not for a page.
    expect((await api.call("/nowhere", { headers: { accept: "application/json" } })).status).toBe(404);
    expect((await api.call("/nowhere", { ...html, method: "POST" })).status).toBe(404);
    expect((await api.call("/%2e%2e/package.json", html)).text).not.toContain('"name"');
  });

  it("says how it is built where it has not been", async () => {
    for (const deps of [memoryDeps(), { ...memoryDeps(), pageDir: join(folder, "nowhere") }]) {
      await using api = await serve(deps);
      const answer = await api.call("/", html);
      expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("npm run build")]);
      expect((await api.call("/healthz")).status).toBe(200);
    }
  });
});
