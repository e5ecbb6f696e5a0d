import { request } from "node:http";
import { connect } from "node:net";
import { ERROR_CODES } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { memoryDeps } from "../../test/fixture.ts";
import { type Answer, post, query, serve } from "../../test/serve.ts";

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    data: z.looseObject({
      httpStatus: z.number(),
      stagefold: z.looseObject({ code: z.enum(ERROR_CODES), issues: z.array(z.string()).optional() }),
    }),
  }),
});

const NOWHERE = "proj_000000000000";
const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const report = (events: unknown) => ({ project_id: NOWHERE, lease_token: 1, lease_seq: 1, events });

const CASES: [name: string, path: string, init: RequestInit, status: number, code: string, issue?: string][] =
  [
    ["an unknown id", `/trpc/projects.get${query({ project_id: NOWHERE })}`, {}, 404, "PROJECT_NOT_FOUND"],
    [
      "an id of another form",
      `/trpc/projects.get${query({ project_id: "42" })}`,
      {},
      400,
      "INVALID_INPUT",
      "project_id",
    ],
    ["no input", "/trpc/projects.get", {}, 400, "INVALID_INPUT"],
    ["a wrong type", "/trpc/projects.create", post({ requirement: 5 }), 400, "INVALID_INPUT", "requirement"],
    ["a list instead of an object", "/trpc/projects.create", post([1]), 400, "INVALID_INPUT"],
    ["null", "/trpc/projects.create", post(null), 400, "INVALID_INPUT"],
    [
      "an empty requirement",
      "/trpc/projects.create",
      post({ requirement: " " }),
      400,
      "INVALID_INPUT",
      "requirement",
    ],
    [
      "a priority of 9",
      "/trpc/projects.create",
      post({ requirement: "x", priority: 9 }),
      400,
      "INVALID_INPUT",
      "priority",
    ],
    [
      "a lone surrogate",
      "/trpc/projects.create",
      post('{"requirement":"\\ud800"}'),
      400,
      "INVALID_INPUT",
      "requirement",
    ],
    [
      "__proto__",
      "/trpc/projects.create",
      post('{"requirement":"x","__proto__":{"a":1}}'),
      400,
      "INVALID_INPUT",
      "__proto__",
    ],
    [
      "__proto__ further in",
      "/trpc/work.report",
      post(`{"events":[{"output":{"a":[{"__proto__":1}]}}]}`),
      400,
      "INVALID_INPUT",
      "__proto__",
    ],
    [
      "33 levels",
      "/trpc/projects.create",
      post(`{"requirement":"x","tags":${nested(32)}}`),
      400,
      "INVALID_INPUT",
      "levels",
    ],
    [
      "33 levels in an address",
      `/trpc/projects.list?input=${encodeURIComponent(nested(33))}`,
      {},
      400,
      "INVALID_INPUT",
      "levels",
    ],
    ["100,000 levels", "/trpc/projects.create", post(nested(100_000)), 400, "INVALID_INPUT", "levels"],
    ["no JSON", "/trpc/projects.create", post("{"), 400, "INVALID_INPUT"],
    ["no JSON in an address", "/trpc/projects.get?input=%7B", {}, 400, "INVALID_INPUT"],
    ["a broken escape", "/trpc/projects.get%ZZ", {}, 400, "INVALID_INPUT"],
    ["an unknown procedure", "/trpc/projects.explode", {}, 404, "INVALID_INPUT"],
    ["a prototype's name as procedure", "/trpc/__proto__.toString", {}, 404, "INVALID_INPUT"],
    ["a mutation by GET", "/trpc/projects.create", {}, 405, "INVALID_INPUT"],
    ["a query by DELETE", "/trpc/projects.list", { method: "DELETE" }, 405, "INVALID_INPUT"],
    ["a mutation by PUT", "/trpc/projects.create", { ...post({}), method: "PUT" }, 405, "INVALID_INPUT"],
    [
      "invalid UTF-8",
      "/trpc/projects.create",
      { ...post(""), body: Buffer.from('{"requirement":"\xff\xfe"}', "latin1") },
      400,
      "INVALID_INPUT",
    ],
    [
      "a form",
      "/trpc/projects.create",
      { method: "POST", body: new URLSearchParams({ requirement: "x" }) },
      415,
      "INVALID_INPUT",
    ],
    [
      "a multipart form",
      "/trpc/projects.create",
      { method: "POST", body: new FormData() },
      415,
      "INVALID_INPUT",
    ],
    [
      "bytes",
      "/trpc/projects.create",
      { method: "POST", body: new Uint8Array(9), headers: { "content-type": "application/octet-stream" } },
      415,
      "INVALID_INPUT",
    ],
    [
      "plain text",
      "/trpc/projects.create",
      { method: "POST", body: '{"requirement":"x"}' },
      415,
      "INVALID_INPUT",
    ],
    [
      "an unknown pipeline",
      "/trpc/projects.create",
      post({ requirement: "x", pipeline: "nope" }),
      404,
      "PIPELINE_NOT_FOUND",
    ],
    [
      "an unknown agent's form",
      `/trpc/artifacts.listByAgent${query({ agent_id: "x".repeat(1000) })}`,
      {},
      400,
      "INVALID_INPUT",
      "agent_id",
    ],
    ["a limit of 101", `/trpc/projects.list${query({ limit: 101 })}`, {}, 400, "INVALID_INPUT", "limit"],
    [
      "a foreign cursor",
      `/trpc/projects.list${query({ cursor: "e30x" })}`,
      {},
      400,
      "INVALID_INPUT",
      "cursor",
    ],
    [
      "an unknown event",
      "/trpc/work.report",
      post(report([{ event: "explode", stage: "a" }])),
      400,
      "INVALID_INPUT",
      "events.0.event",
    ],
    ["a report on no project", "/trpc/work.report", post(report([])), 404, "PROJECT_NOT_FOUND"],
    [
      "a path that leads out",
      `/artifacts/${NOWHERE}/..%2f..%2fetc%2fpasswd`,
      {},
      400,
      "INVALID_INPUT",
      "path",
    ],
    ["a path with NUL", `/artifacts/${NOWHERE}/a%00b`, {}, 400, "INVALID_INPUT", "path"],
    ["a path with a broken escape", `/artifacts/${NOWHERE}/%E0%A4%A`, {}, 400, "INVALID_INPUT"],
    ["an artifact of no project", `/artifacts/${NOWHERE}/a.txt`, {}, 404, "PROJECT_NOT_FOUND"],
    ["a POST to an artifact", `/artifacts/${NOWHERE}/a.txt`, { method: "POST" }, 404, "INVALID_INPUT"],
    [
      "an upload without a lease",
      `/artifacts/${NOWHERE}/a?stage=one&attempt=1`,
      { method: "PUT", body: "x" },
      400,
      "INVALID_INPUT",
      "x-stagefold-lease",
    ],
    ["an address with nothing", "/nothing/here", {}, 404, "INVALID_INPUT"],
  ];

describe("bad input over HTTP", () => {
  it.each(CASES)(
    "%s is refused by name and changes nothing",
    async (_name, path, init, status, code, issue) => {
      const deps = memoryDeps();
      await using api = await serve(deps);
      const answer = await api.call(path, init);
      expectRefusal(answer, status, code, issue);
      expect((await api.client.projects.list.query()).items).toEqual([]);
    },
  );

  it("a body of 20 MB is refused, announced or not", async () => {
    await using api = await serve();
    const text = JSON.stringify({ requirement: "x".repeat(20 * 1024 * 1024) });
    expectRefusal(await api.call("/trpc/projects.create", post(text)), 413, "PAYLOAD_TOO_LARGE");
    const chunked = await new Promise<Answer>((resolve, reject) => {
      const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
      const req = request(`${api.url}/trpc/projects.create`, { method: "POST", headers }, (res) => {
        let body = "";
        res.setEncoding("utf8").on("data", (part: string) => {
          body += part;
        });
        res.on("end", () =>
          resolve({
            status: res.statusCode ?? 0,
            headers: new Headers(),
            text: body,
            body: JSON.parse(body),
          }),
        );
      });
      req.on("error", reject);
      req.end(text);
    });
    expectRefusal(chunked, 413, "PAYLOAD_TOO_LARGE");
    expect((await api.call("/healthz")).status).toBe(200);
  });

  it("8,000 calls in one request are refused by their number, and none of them is run", async () => {
    const deps = memoryDeps();
    await using api = await serve(deps);
    let calls = 0;
    deps.store.get = () => {
      calls += 1;
      return Promise.resolve(undefined);
    };
    const inputs = Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [i, { project_id: NOWHERE }]));
    const names = Array.from({ length: 8000 }, () => "projects.get").join(",");
    for (const init of [{}, post(inputs)])
      expectRefusal(await api.call(`/trpc/${names}?batch=1`, init), 400, "INVALID_INPUT");
    expectRefusal(await api.call(`/trpc/${names.slice(0, 13 * 21 - 1)}?batch=1`), 400, "INVALID_INPUT");
    expect(calls).toBe(0);
  });

  it("what is no HTTP, and headers beyond all measure, get an answer too", async () => {
    await using api = await serve();
    const { port } = new URL(api.url);
    const send = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = "";
        const socket = connect(Number(port), "127.0.0.1", () => socket.write(bytes));
        socket.on("data", (part) => {
          answer += part;
        });
        socket.on("close", () => resolve(answer)).on("error", reject);
      });
    expect(await send("nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*"INVALID_INPUT"/s);
    // fetch sends neither of these.
    expect(await send("GET /trpc/system.info HTTP/1.1\r\nconnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1.1 403 .*"FORBIDDEN"/s,
    );
    const trace = `TRACE /trpc/system.info HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`;
    expect(await send(trace)).toMatch(/^HTTP\/1.1 405 .*"INVALID_INPUT"/s);
    expect(await send(`GET /${"a".repeat(300_000)} HTTP/1.1\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 .*"PAYLOAD_TOO_LARGE"/s,
    );
    expect((await api.call("/healthz")).status).toBe(200);
  });
});

function expectRefusal(answer: Answer, status: number, code: string, issue?: string): void {
  const { error } = errorSchema.parse(answer.body);
  expect([answer.status, error.data.stagefold.code]).toEqual([status, code]);
  expect(error.data.httpStatus).toBe(status);
  if (issue !== undefined) expect(error.data.stagefold.issues?.join("\n")).toContain(issue);
  // Neither a stack nor a path of this machine.
  expect(answer.text).not.toMatch(/node_modules|\.ts:|\.js:|\bat .+:\d+:\d+/);
  expect(answer.headers.get("x-content-type-options") ?? "nosniff").toBe("nosniff");
}
