import { request } from "node:http";
import { MemoryRecordStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { serve } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";
import { startApi } from "../server.ts";
import { isLoopback } from "./host-check.ts";

const ROUTES = [
  ["GET", "/"],
  ["GET", "/healthz"],
  ["GET", "/metrics"],
  ["GET", "/trpc/projects.list"],
  ["POST", "/trpc/projects.create"],
  ["OPTIONS", "/trpc/projects.create"],
  ["GET", "/trpc/projects.watchList"],
  ["GET", "/artifacts/proj_000000000000/a"],
  ["PUT", "/artifacts/proj_000000000000/a"],
] as const;

/** fetch sets these headers itself. */
function send(url: string, method: string, headers: Record<string, string>) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const req = request(url, { method, headers }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        // A stream does not end by itself.
        if (res.headers["content-type"]?.startsWith("text/event-stream")) res.destroy();
      });
      res.on("close", () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.on("error", reject);
    req.end();
  });
}

describe("requests that come from elsewhere", () => {
  it.each(ROUTES)("%s %s is refused with a foreign Host or Origin", async (method, path) => {
    await using api = await serve();
    const own = new URL(api.url).host;
    const foreign: Record<string, string>[] = [
      { host: "evil.example" },
      { host: `evil.example:${new URL(api.url).port}` },
      { host: "127.0.0.1:1" },
      { host: `${own}.evil.example` },
      { host: own, origin: "http://evil.example" },
      { host: own, origin: "null" },
      { host: own, origin: "http://127.0.0.1:1" },
      { host: own, origin: `https://${own}` },
      { host: own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    ];
    for (const headers of foreign) {
      const answer = await send(api.url + path, method, headers);
      expect(answer.status, JSON.stringify(headers)).toBe(403);
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { data: { stagefold: { code: "FORBIDDEN" } } },
      });
    }
  });

  it("are told from those of this machine", async () => {
    await using api = await serve();
    const { host, port } = new URL(api.url);
    const own: Record<string, string>[] = [
      { host },
      { host: `localhost:${port}` },
      { host: `[::1]:${port}` },
      { host, origin: `http://${host}` },
      { host, origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" },
      { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
    ];
    for (const headers of own)
      expect((await send(`${api.url}/healthz`, "GET", headers)).status, JSON.stringify(headers)).toBe(200);
  });
});

describe("an API that asks who calls", () => {
  it("tells a load balancer, which names no host that it knows, of its health and of nothing else", async () => {
    const deps = memoryDeps();
    const onError = (error: unknown) => expect.unreachable(String(error));
    const auth = new Auth({ keys: true }, { records: new MemoryRecordStore(), clock: deps.clock, onError });
    const publicUrl = new URL("https://builds.example.org");
    await using api = await serve({ ...deps, auth, publicUrl });
    const ask = async (path: string, host: string) => (await send(api.url + path, "GET", { host })).status;
    for (const path of ["/healthz", "/readyz"]) expect(await ask(path, "10.0.0.7:4000")).toBe(200);
    for (const path of ["/metrics", "/trpc/projects.list", "/healthz/x", "/"])
      expect(await ask(path, "10.0.0.7:4000"), path).toBe(403);
    expect(await ask("/trpc/projects.list", "builds.example.org")).toBe(401);
  });
});

describe("where an API may listen", () => {
  it("is the loopback interface alone", async () => {
    expect(["127.0.0.1", "127.1.2.3", "::1", "localhost"].every(isLoopback)).toBe(true);
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "example.org", "127.evil.example"])
      await expect(startApi(memoryDeps(), { host, port: 0 })).rejects.toMatchObject({
        code: "HOST_NOT_LOOPBACK",
        message: expect.stringContaining(host),
      });
  });

  it("is a port that nobody else has", async () => {
    await using api = await serve();
    const port = Number(new URL(api.url).port);
    await expect(serve(memoryDeps(), port)).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining(String(port)),
    });
  });
});
