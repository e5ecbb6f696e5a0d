import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRecordStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { freePort, hasProxy, type ProxyName, recipesOf, startProxy } from "../../test/proxy.ts";
import { until } from "../../test/reading.ts";
import { post, query } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";
import { startApi } from "../server.ts";

const ASSET = `// ${"a page's script ".repeat(500)}`;

interface Case {
  readonly proxy: ProxyName;
  readonly path: string;
  /** What the proxy is configured with; `api` is where it finds the API, `public` what browsers see. */
  readonly config: (api: string, publicUrl: URL) => Promise<string>;
}

/** The part of a recipe that a server without certificates can have. */
const locationOf = (recipe: string) =>
  recipe.slice(recipe.indexOf("location "), recipe.lastIndexOf("  }") + 3);

const CASES: Record<string, Case> = {
  "nginx, as the page for teams has it": {
    proxy: "nginx",
    path: "",
    async config(api) {
      const [site = ""] = await recipesOf("team.md", "nginx");
      return locationOf(site).replace("http://127.0.0.1:4000", api);
    },
  },
  "nginx below a path": {
    proxy: "nginx",
    path: "/builds",
    async config(api) {
      const [, site = ""] = await recipesOf("team.md", "nginx");
      return site.replace("http://127.0.0.1:4000", api);
    },
  },
  "nginx below a path that it takes away": {
    proxy: "nginx",
    path: "/builds",
    async config(api) {
      const [, site = ""] = await recipesOf("team.md", "nginx");
      return site.replace("http://127.0.0.1:4000", `${api}/`);
    },
  },
  "Caddy, as the page for teams has it": {
    proxy: "caddy",
    path: "",
    async config(api, { host }) {
      const [site = ""] = await recipesOf("team.md", "caddy");
      const name = site.replace("builds.example.org", `http://${host}`);
      return `{\n  admin off\n}\n${name.replace("127.0.0.1:4000", api.replace("http://", ""))}`;
    },
  },
  "Caddy below a path that it takes away": {
    proxy: "caddy",
    path: "/builds",
    config: (api, { host }) =>
      Promise.resolve(
        `{\n  admin off\n}\nhttp://${host} {\n  handle_path /builds/* {\n    reverse_proxy ${api.replace("http://", "")}\n  }\n}\n`,
      ),
  },
};

async function setUp({ proxy, path, config }: Case) {
  const pageDir = await mkdtemp(join(tmpdir(), "stagefold-page-"));
  await mkdir(join(pageDir, "assets"));
  await writeFile(join(pageDir, "index.html"), '<!doctype html><script src="./assets/app-1.js"></script>');
  await writeFile(join(pageDir, "assets/app-1.js"), ASSET);
  const port = await freePort();
  const publicUrl = new URL(`http://localhost:${port}${path}`);
  const deps = memoryDeps();
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth(
    { keys: true, publicUrl },
    { records: new MemoryRecordStore(), clock: deps.clock, onError },
  );
  const api = await startApi({ ...deps, auth, publicUrl, pageDir }, { host: "127.0.0.1", port: 0 });
  const running = await startProxy(proxy, await config(api.url, publicUrl), port);
  const { key } = await auth.keys.create({ name: "ada", role: "admin" }, "test");
  return {
    deps,
    auth,
    key,
    base: publicUrl.href.replace(/\/$/, ""),
    async [Symbol.asyncDispose]() {
      // A proxy ends when its streams have.
      await api.close();
      await running[Symbol.asyncDispose]();
      await rm(pageDir, { recursive: true, force: true });
    },
  };
}

/** What comes of a stream, as it comes. */
function streamOf(url: string, headers: Record<string, string>) {
  const heard = { text: "", encoding: "", at: [] as number[], close: () => req.destroy() };
  const req = request(
    url,
    { headers: { accept: "text/event-stream", "accept-encoding": "gzip", ...headers } },
    (res) => {
      heard.encoding = res.headers["content-encoding"] ?? "none";
      res.on("data", (part) => {
        heard.text += part;
        heard.at.push(performance.now());
      });
      res.on("error", () => undefined);
    },
  );
  req.on("error", () => undefined).end();
  return heard;
}

for (const [name, one] of Object.entries(CASES)) {
  // Skipped where this machine has no such proxy.
  describe.skipIf(!hasProxy(one.proxy))(`A5, C11: behind ${name}`, () => {
    it("the page, sign-in, calls, streams, artifacts and the audit log are as they are without", async () => {
      await using here = await setUp(one);
      const { base, key, auth, deps } = here;
      const origin = new URL(base).origin;
      const page = await fetch(`${base}/builds/proj_000000000000`, { headers: { accept: "text/html" } });
      const [, script = ""] = /src="([^"]+)"/.exec(await page.text()) ?? [];
      expect(script).toBe(`${one.path}/assets/app-1.js`);
      expect(await (await fetch(new URL(script, base))).text()).toBe(ASSET);

      const bearer = { authorization: `Bearer ${key}`, origin };
      const signedIn = await fetch(`${base}/auth/session`, { method: "POST", headers: bearer });
      const [cookie = ""] = signedIn.headers.getSetCookie();
      expect([signedIn.status, cookie]).toEqual([200, expect.stringContaining(`Path=${one.path || "/"};`)]);
      const headers = { cookie: cookie.split(";", 1)[0] ?? "", origin, "x-forwarded-for": "6.6.6.6" };
      const call = async (path: string, init: RequestInit = {}) => {
        const answer = await fetch(base + path, {
          ...init,
          headers: { ...Object.fromEntries(new Headers(init.headers)), ...headers },
        });
        return { status: answer.status, body: JSON.parse(await answer.text()) };
      };
      const made = await call("/trpc/projects.create", post({ requirement: "x", stages: OWN_STAGES }));
      expect(made.status).toBe(200);
      const { project_id } = made.body.result.data;

      const watch = streamOf(`${base}/trpc/projects.watch${query({ project_id })}`, headers);
      const list = streamOf(`${base}/trpc/projects.watchList${query({})}`, headers);
      await until(() => watch.text.includes("id: 1-") && list.text.includes("connected"));
      const before = performance.now();
      expect((await call("/trpc/projects.pause", post({ project_id }))).status).toBe(200);
      await until(() => watch.text.includes("id: 2-") && list.text.includes("paused"));
      for (const stream of [watch, list]) {
        expect(stream.encoding).toBe("none");
        expect((stream.at.at(-1) ?? Number.NaN) - before).toBeLessThan(2000);
        stream.close();
      }

      const bytes = Buffer.alloc(3_000_000, "ab");
      await deps.repository.artifacts.record(project_id, "one", [{ path: "a", size: bytes.length }], "add");
      await deps.artifacts.put({ project_id, stage: "one", attempt: 0, path: "a" }, bytes);
      const part = await fetch(`${base}/artifacts/${project_id}/a`, {
        headers: { ...headers, range: "bytes=1000000-1000003", "accept-encoding": "identity" },
      });
      expect([part.status, await part.text()]).toEqual([206, "abab"]);

      const { items } = await auth.audit.list(10);
      expect(items.map(({ procedure, from }) => [procedure, from])).toContainEqual([
        "projects.pause",
        "127.0.0.1",
      ]);
      const foreign = await fetch(`${base}/trpc/projects.list`, {
        headers: { ...headers, origin: "http://evil.example" },
      });
      const refusal = await foreign.text();
      expect([foreign.status, refusal]).toEqual([403, expect.stringContaining("STAGEFOLD_PUBLIC_URL")]);
      expect(refusal).toContain("http://evil.example");
    });
  });
}
