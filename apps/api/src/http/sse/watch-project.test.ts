import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { memoryDeps } from "../../../test/fixture.ts";
import { until } from "../../../test/reading.ts";
import { query, serve } from "../../../test/serve.ts";
import { createWatch, eventIdOf } from "../../watch/index.ts";
import { KeepAlive } from "./keep-alive.ts";

/** What nobody asks for sends a request the other way: tRPC's own. */
const BY_TRPC = "&by=trpc";

async function setUp(output = "") {
  const deps = memoryDeps();
  const watch = createWatch(deps);
  const api = await serve({ ...deps, watch });
  const { project_id } = await deps.repository.control.create(
    { requirement: `文 ${output}` },
    { stages: [{ stage: "one" }] },
  );
  return { ...api, deps, watch, project_id };
}

/** An open stream and all that came of it. */
async function open(url: string, headers: Record<string, string> = {}) {
  const req = request(url, { headers: { accept: "text/event-stream", ...headers } }).end();
  const [res]: IncomingMessage[] = await once(req, "response");
  if (!res) throw new Error("expected an answer");
  const heard = { text: "", ended: false, close: () => req.destroy() };
  res.setEncoding("utf8").on("data", (part: string) => {
    heard.text += part;
  });
  res.on("end", () => {
    heard.ended = true;
  });
  const { date: _, ...head } = res.headers;
  return { res, head, heard };
}

describe("a watch and tRPC's own stream", () => {
  it("are the same, byte for byte: events, their ids, errors, headers", async () => {
    await using api = await setUp();
    const path = `${api.url}/trpc/projects.watch${query({ project_id: api.project_id })}`;
    const both = [await open(path), await open(path + BY_TRPC)];
    const seen = eventIdOf(await api.deps.repository.get(api.project_id));
    const know = [
      await open(path, { "last-event-id": seen }),
      await open(path + BY_TRPC, { "last-event-id": seen }),
      await open(`${path}&lastEventId=${seen}`),
    ];
    await until(() => api.watch.projects.open.watches === 5);
    await until(() => both.every(({ heard }) => heard.text.includes("id: 1")));
    await api.deps.repository.control.pause(api.project_id);
    await until(() => [...both, ...know].every(({ heard }) => heard.text.includes("id: 2")));
    await api.deps.repository.control.delete(api.project_id);
    await until(() => [...both, ...know].every(({ heard }) => heard.ended));
    for (const same of [both, know]) {
      const [{ head, heard } = { head: {}, heard: { text: "" } }] = same;
      for (const other of same) expect([other.head, other.heard.text]).toEqual([head, heard.text]);
    }
    const events = (text = "") => text.split("\n").filter((line) => /^(event|id):/.test(line));
    expect(events(both[0]?.heard.text)).toEqual([
      "event: connected",
      expect.stringMatching(/^id: 1-/),
      expect.stringMatching(/^id: 2-/),
      "event: serialized-error",
    ]);
    expect(events(know[0]?.heard.text)).toEqual([
      "event: connected",
      expect.stringMatching(/^id: 2-/),
      "event: serialized-error",
    ]);
    const nowhere = `${api.url}/trpc/projects.watch${query({ project_id: "proj_000000000000" })}`;
    const missing = [await open(nowhere), await open(nowhere + BY_TRPC)];
    await until(() => missing.every(({ heard }) => heard.ended));
    expect(missing[0]?.heard.text).toContain("PROJECT_NOT_FOUND");
    expect(missing[1]?.heard.text).toBe(missing[0]?.heard.text);
    expect(api.watch.projects.open).toEqual({ watches: 0, projects: 0 });
  });

  it.each([
    ["an id of another form", query({ project_id: "42" })],
    ["no JSON", "?input=%7B"],
    ["no input", "?"],
    [
      "an event's id that is too long",
      `${query({ project_id: "proj_000000000000" })}&lastEventId=${"1".repeat(2001)}`,
    ],
    [
      "a prototype's name",
      `?input=${encodeURIComponent('{"project_id":"proj_000000000000","__proto__":{}}')}`,
    ],
  ])("refuse %s in the same words", async (_, search) => {
    await using api = await setUp();
    const path = `${api.url}/trpc/projects.watch${search}`;
    const both = [await open(path), await open(path + BY_TRPC)];
    await until(() => both.every(({ heard }) => heard.ended));
    expect(both[0]?.heard.text).toContain("INVALID_INPUT");
    expect([both[1]?.head, both[1]?.heard.text]).toEqual([both[0]?.head, both[0]?.heard.text]);
  });
});

describe("a watch", () => {
  it("keeps the newest state alone for a reader that takes nothing, and continues when it does", async () => {
    await using api = await setUp("x".repeat(20_000));
    const { host, port } = new URL(api.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `GET /trpc/projects.watch${query({ project_id: api.project_id })} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
    );
    await until(() => api.watch.projects.open.watches === 1);
    socket.pause();
    for (let i = 0; i < 200; i++) {
      await api.deps.repository.control.pause(api.project_id);
      await api.deps.repository.control.resume(api.project_id);
    }
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.resume();
    await until(() => text.includes("\nid: 401-"));
    expect(text.match(/^id: /gm)?.length).toBeLessThan(401);
    socket.destroy();
    await until(() => api.watch.projects.open.watches === 0);
  });

  it("outlives requests on the same port that come after it, and is counted", async () => {
    await using api = await setUp();
    const { heard } = await open(`${api.url}/trpc/projects.watch${query({ project_id: api.project_id })}`);
    await until(() => heard.text.includes("id: 1"));
    expect((await api.call("/metrics")).text).toContain('stagefold_open_watches{kind="project"} 1');
    heard.close();
    await until(() => api.watch.projects.open.watches === 0);
    const metrics = (await api.call("/metrics")).text;
    expect(metrics).toContain('stagefold_http_requests_total{route="trpc",method="GET",status="200"} 1');
    expect(metrics).toMatch(
      /procedure_duration_seconds_count\{procedure="projects.watch",type="subscription",outcome="ok"\} 1/,
    );
  });
});

it("one timer pings each once in its time, spread over it, and stops with the last", async () => {
  vi.useFakeTimers();
  try {
    const pings = new KeepAlive(1000);
    const ping = [vi.fn(), vi.fn()] as const;
    const heard = () => ping.map(({ mock }) => mock.calls.length);
    const first = pings.add({ ping: ping[0] });
    vi.advanceTimersByTime(500);
    const second = pings.add({ ping: ping[1] });
    vi.advanceTimersByTime(500);
    expect(heard()).toEqual([1, 0]);
    vi.advanceTimersByTime(9500);
    expect(heard()).toEqual([10, 10]);
    first();
    first();
    vi.advanceTimersByTime(1000);
    expect(heard()).toEqual([10, 11]);
    second();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
