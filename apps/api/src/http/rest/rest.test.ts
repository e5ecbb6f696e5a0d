import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryDeps, OWN_STAGES } from "../../../test/fixture.ts";
import { serve } from "../../../test/serve.ts";
import { appRouter } from "../../routers/index.ts";
import { procedureOf } from "./inputs.ts";
import { openApiDocument } from "./openapi.ts";
import { REST, restRoutes } from "./table.ts";

let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  api = await serve(memoryDeps());
});
afterAll(() => api.close());

const json = (method: string, body?: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method,
  ...(body !== undefined && { body: JSON.stringify(body) }),
  headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
});
const call = (path: string, init?: RequestInit) => api.call(`/v1${path}`, init);
const create = async (input: object = {}, headers: Record<string, string> = {}) => {
  const made = await call("/projects", json("POST", { requirement: "count words", ...input }, headers));
  return { ...made, id: String(Reflect.get(Object(made.body), "project_id")) };
};

describe("the table of /v1", () => {
  it("has every procedure of the router, or says why not", () => {
    expect(Object.keys(REST).sort()).toEqual(Object.keys(appRouter._def.procedures).sort());
    const without = Object.entries(REST).filter(([, row]) => "not" in row);
    expect(without.map(([name]) => name)).toEqual(["projects.watchMany"]);
  });

  it("has one address for each, by the method that fits its kind, with fields of its input in the path", () => {
    const addresses = restRoutes().map(({ method, path }) => `${method} ${path}`);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const { procedure, method, path, stream } of restRoutes()) {
      const { type } = procedureOf(procedure);
      expect(method === "get", procedure).toBe(type !== "mutation");
      expect(stream !== undefined, procedure).toBe(type === "subscription");
      const document = JSON.stringify(openApiDocument("1.0.0").paths);
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        expect(document, procedure).toMatch(
          new RegExp(`"name":"${name}","in":"path","required":true,"schema":{"type":"(?:string|integer)"`),
        );
    }
  });
});

describe("the OpenAPI document", () => {
  it("is valid under the schema of OpenAPI 3.1, and has no token", async () => {
    const { status, body } = await call("/openapi.json");
    expect(status).toBe(200);
    const checked = await new Validator().validate(Object(structuredClone(body)));
    expect(checked).toEqual({ valid: true });
    const { components } = openApiDocument("1.0.0");
    const { Project } = Object(Reflect.get(Object(components), "schemas"));
    expect(JSON.stringify(Project)).not.toContain("lease_token");
    expect(JSON.stringify(Reflect.get(Object(components), "schemas").Claim)).toContain("lease_token");
  });

  it("is valid under redocly's rules", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const source = JSON.stringify(openApiDocument("1.0.0"));
    const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("resources", () => {
  it("a build is created, read, listed, controlled and deleted", async () => {
    const made = await create({ user_id: "rest", tags: ["t"] });
    expect(made).toMatchObject({ status: 201, body: { status: "queued", user_id: "rest" } });
    expect(made.body).not.toHaveProperty("lease_token");
    const { id } = made;
    expect(await call(`/projects/${id}`)).toMatchObject({ status: 200, body: { project_id: id } });
    const listed = await call("/projects?user_id=rest&tag=t&limit=5");
    expect(listed.body).toMatchObject({ items: [{ project_id: id }], next_cursor: null });
    // A command without fields needs no body.
    expect(await call(`/projects/${id}/pause`, json("POST"))).toMatchObject({ body: { status: "paused" } });
    expect(await call(`/projects/${id}/resume`, json("POST", {}))).toMatchObject({
      body: { status: "queued" },
    });
    expect(await call(`/projects/${id}/stages`)).toMatchObject({ body: { items: { length: 6 } } });
    const deleted = await call(`/projects/${id}`, json("DELETE"));
    expect(deleted).toMatchObject({ status: 200, body: { project_id: id, deleted: true } });
    expect((await call(`/projects/${id}`)).status).toBe(404);
  });

  it("a program claims and reports; where there is nothing to claim the answer is 204", async () => {
    const { id } = await create({ pipeline: "mine", stages: OWN_STAGES });
    const claim = () => call("/claims", json("POST", { owner: "p", project_id: id }));
    const { body, status } = await claim();
    expect(status).toBe(200);
    const { lease_token, lease_seq } = Object(body);
    const events = [
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["hello"] },
      { event: "completed", stage: "one", output: { n: 1 } },
    ];
    const report = { lease_token, lease_seq: lease_seq + 1, events };
    expect((await call(`/projects/${id}/report`, json("POST", report))).status).toBe(200);
    expect(await call(`/projects/${id}/stages/one`)).toMatchObject({ body: { output_data: { n: 1 } } });
    const log = await call(`/projects/${id}/stages/one/logs?attempt=1&limit=10`);
    expect(log.body).toMatchObject({ items: [{ text: "hello" }], next_cursor: null });
    expect(await claim()).toMatchObject({ status: 204, text: "" });
  });

  it("the same Idempotency-Key makes one build, and another input under it is refused", async () => {
    const [one, again] = [
      await create({}, { "idempotency-key": "k1" }),
      await create({}, { "idempotency-key": "k1" }),
    ];
    expect(again).toMatchObject({ status: 201, id: one.id });
    const other = await create({ requirement: "another" }, { "idempotency-key": "k1" });
    expect(other).toMatchObject({ status: 409, body: { code: "IDEMPOTENCY_MISMATCH", status: 409 } });
    const pause = () =>
      call(`/projects/${one.id}/pause`, json("POST", undefined, { "idempotency-key": "p" }));
    expect((await pause()).body).toEqual((await pause()).body);
    const twice = await create({ idempotency_key: "k2" }, { "idempotency-key": "k3" });
    expect(twice).toMatchObject({ status: 400, body: { code: "INVALID_INPUT" } });
  });
});

describe("refusals", () => {
  const NOWHERE = "proj_000000000000";
  it.each<[string, string, RequestInit, number, object]>([
    ["an unknown build", `/projects/${NOWHERE}`, {}, 404, { code: "PROJECT_NOT_FOUND", project_id: NOWHERE }],
    ["an id of another form", "/projects/42", {}, 400, { code: "INVALID_INPUT" }],
    ["a wrong type", "/projects", json("POST", { requirement: 5 }), 400, { code: "INVALID_INPUT" }],
    ["a body that is no object", "/projects", json("POST", [1]), 400, { code: "INVALID_INPUT" }],
    ["an unknown field in the address", "/projects?colour=red", {}, 400, { code: "INVALID_INPUT" }],
    ["a field twice", "/projects?limit=1&limit=2", {}, 400, { code: "INVALID_INPUT" }],
    ["a number that is none", "/projects?limit=many", {}, 400, { code: "INVALID_INPUT" }],
    [
      "a field in path and body",
      `/projects/${NOWHERE}/pause`,
      json("POST", { project_id: NOWHERE }),
      400,
      {},
    ],
    [
      "__proto__",
      "/projects",
      {
        ...json("POST"),
        body: '{"requirement":"x","__proto__":{}}',
        headers: { "content-type": "application/json" },
      },
      400,
      {},
    ],
    [
      "a form",
      "/projects",
      {
        method: "POST",
        body: "requirement=x",
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
      415,
      {},
    ],
    ["another method", "/projects", json("DELETE"), 405, {}],
    ["no such address", "/nothing", {}, 404, {}],
    [
      "a foreign page",
      "/projects",
      { headers: { origin: "https://evil.example" } },
      403,
      { code: "FORBIDDEN" },
    ],
    ["a watch of nothing", `/projects/${NOWHERE}/events`, {}, 404, { code: "PROJECT_NOT_FOUND" }],
    [
      "a key where none is taken",
      "/keys",
      json("POST", { name: "a", role: "viewer" }, { "idempotency-key": "k" }),
      400,
      {},
    ],
  ])("%s is answered with a problem", async (_name, path, init, status, body) => {
    const answer = await call(path, init);
    expect(answer).toMatchObject({ status, body: { ...body, status } });
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    const { type, title, detail, code } = Object(answer.body);
    expect([typeof title, typeof detail, typeof code]).toEqual(["string", "string", "string"]);
    expect(type).toBe(`urn:stagefold:error:${code.toLowerCase().replaceAll("_", "-")}`);
  });

  it("a body over a megabyte is not read", async () => {
    const answer = await call("/projects", json("POST", { requirement: "x".repeat(1024 * 1024) }));
    expect(answer).toMatchObject({ status: 413, body: { code: "PAYLOAD_TOO_LARGE" } });
  });
});

/** The events of a stream, until enough has come. */
async function events(
  path: string,
  count: number,
  headers: Record<string, string> = {},
  onOpen?: () => Promise<void>,
) {
  const ending = new AbortController();
  const response = await fetch(`${api.url}/v1${path}`, { headers, signal: ending.signal });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const found: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => found.push(event) });
  await onOpen?.();
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    parser.feed(decoder.decode(part, { stream: true }));
    if (found.length >= count) break;
  }
  ending.abort();
  return found.map(({ id, event, data }) => ({ id, event, data: JSON.parse(data) }));
}

describe("event streams", () => {
  it("a build comes at once and after every change, and again from the event that was seen last", async () => {
    const { id } = await create();
    const path = `/projects/${id}/events`;
    const pause = async () => void (await call(`/projects/${id}/pause`, json("POST")));
    const [first, second] = await events(path, 2, {}, pause);
    expect([first?.data.status, second?.data.status]).toEqual(["queued", "paused"]);
    const resume = async () => void (await call(`/projects/${id}/resume`, json("POST")));
    const [next] = await events(path, 1, { "last-event-id": String(second?.id) }, resume);
    expect(next?.data).toMatchObject({ status: "queued", revision: second?.data.revision + 1 });
  });

  it("a list's changes and a log's lines come as they are written", async () => {
    const [change] = await events(
      "/events?user_id=streams",
      1,
      {},
      async () => void (await create({ user_id: "streams" })),
    );
    expect(change?.data).toMatchObject({ kind: "changed", project: { user_id: "streams" } });
    const { id } = await create({ pipeline: "mine", stages: OWN_STAGES });
    const { lease_token, lease_seq } = Object(
      (await call("/claims", json("POST", { owner: "p", project_id: id }))).body,
    );
    const lines = [
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["a", "b"] },
    ];
    const report = async () =>
      void (await call(
        `/projects/${id}/report`,
        json("POST", { lease_token, lease_seq: lease_seq + 1, events: lines }),
      ));
    await report();
    const [log] = await events(`/projects/${id}/stages/one/logs/events`, 1);
    expect(log?.data.lines.map(({ text }: { text: string }) => text)).toEqual(["a", "b"]);
  });

  it("a build that is deleted ends its stream with a problem", async () => {
    const { id } = await create();
    const remove = async () => void (await call(`/projects/${id}`, json("DELETE")));
    const [, last] = await events(`/projects/${id}/events`, 2, {}, remove);
    expect(last).toMatchObject({ event: "problem", data: { code: "PROJECT_NOT_FOUND", status: 404 } });
  });
});
