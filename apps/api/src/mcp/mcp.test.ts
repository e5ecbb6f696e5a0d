import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
} from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { AgentRecords, type AgentRunner, MemoryRecordStore, newAgentId } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { serve } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";
import { buildUri } from "./resources.ts";

const deps = memoryDeps();
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  api = await serve(deps);
});
afterAll(() => api.close());

const INFO = { name: "test", version: "1.0.0" };

/** What both generations of the official client do. */
interface AnyClient extends AsyncDisposable {
  listTools(): Promise<{ tools: { name: string; annotations?: object; inputSchema: object }[] }>;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
  read(uri: string): Promise<{ contents: { text?: unknown; mimeType?: string | undefined }[] }>;
  resources(): Promise<{ resources: { uri: string }[] }>;
}
interface Answer {
  readonly isError?: boolean | undefined;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
}

const withKey = (key?: string) =>
  key === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${key}` } } };

async function newClient(url: string, key?: string): Promise<AnyClient & { client: NewClient }> {
  const client = new NewClient(INFO, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  await client.connect(new NewTransport(new URL(`${url}/mcp`), withKey(key)));
  return {
    client,
    listTools: () => client.listTools() as ReturnType<AnyClient["listTools"]>,
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as Answer,
    read: (uri) => client.readResource({ uri }),
    resources: () => client.listResources(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function oldClient(url: string, key?: string): Promise<AnyClient> {
  const client = new OldClient(INFO);
  // The old package's transport has a field that is typed as present and undefined.
  await client.connect(
    new OldTransport(new URL(`${url}/mcp`), withKey(key)) as Parameters<OldClient["connect"]>[0],
  );
  return {
    listTools: () => client.listTools() as ReturnType<AnyClient["listTools"]>,
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as Answer,
    read: (uri) => client.readResource({ uri }),
    resources: () => client.listResources(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const CLIENTS: Record<string, (url: string, key?: string) => Promise<AnyClient>> = {
  "a client of 2026": newClient,
  "a client of 2025": oldClient,
};

describe.each(Object.entries(CLIENTS))("MCP over HTTP, with %s", (_name, connect) => {
  it("lists the tools, with the schema of their procedure and what they may do", async () => {
    await using client = await connect(api.url);
    const { tools } = await client.listTools();
    const byName = new Map(tools.map((tool) => [tool.name, tool]));
    expect([...byName.keys()].sort()).toEqual([
      ...["answer_gate", "ask_agent", "cancel_build", "create_build", "get_agent", "get_build", "get_stage"],
      ...["list_agents", "list_artifacts", "list_builds", "list_pipelines", "pause_build", "read_artifact"],
      ...["read_log", "resume_build", "retry_build", "wait_for_build"],
    ]);
    expect(byName.get("get_agent")).toMatchObject({
      annotations: { readOnlyHint: true, openWorldHint: false },
      inputSchema: { required: ["agent_id"] },
    });
    expect(byName.get("ask_agent")).toMatchObject({
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: true,
      },
      inputSchema: { required: ["agent_id", "text"], properties: { wait_seconds: { default: 60 } } },
    });
    expect(byName.get("get_build")).toMatchObject({
      annotations: { readOnlyHint: true },
      inputSchema: { type: "object", required: ["project_id"] },
    });
    expect(byName.get("cancel_build")).toMatchObject({
      annotations: { readOnlyHint: false, destructiveHint: true },
    });
    expect(byName.get("create_build")).toMatchObject({
      inputSchema: { properties: { requirement: {}, priority: {}, idempotency_key: {} } },
    });
  });

  it("creates, finds, controls and waits for builds; a refusal is an answer with its code", async () => {
    await using client = await connect(api.url);
    const tag = connect.name;
    const made = await client.call("create_build", { requirement: "count words", tags: [tag] });
    const { project_id } = Object(made.structuredContent);
    expect(made.structuredContent).toMatchObject({ status: "queued" });
    const list = await client.call("list_builds", { tag, limit: 1 });
    expect(list.structuredContent).toMatchObject({ items: [{ project_id }] });
    expect((await client.call("pause_build", { project_id })).structuredContent).toMatchObject({
      status: "paused",
    });
    expect((await client.call("resume_build", { project_id })).structuredContent).toMatchObject({
      status: "queued",
    });
    const waiting = client.call("wait_for_build", { project_id, timeout_seconds: 20 });
    await client.call("cancel_build", { project_id });
    expect((await waiting).structuredContent).toMatchObject({ project_id, status: "cancelled" });
    const again = await client.call("retry_build", { project_id });
    expect(again.structuredContent).toMatchObject({ run: 2 });
    const before = performance.now();
    const late = await client.call("wait_for_build", { project_id, timeout_seconds: 1 });
    expect(late.structuredContent).toMatchObject({ status: "queued" });
    expect(performance.now() - before).toBeGreaterThan(900);

    const missing = await client.call("get_build", { project_id: "proj_000000000000" });
    expect(missing).toMatchObject({
      isError: true,
      structuredContent: { code: "PROJECT_NOT_FOUND" },
      content: [{ text: expect.stringMatching(/^PROJECT_NOT_FOUND: /) }],
    });
    const wrong = await client.call("create_build", { requirement: 5 });
    expect(wrong).toMatchObject({ isError: true, structuredContent: { code: "INVALID_INPUT" } });
  });

  it("reads logs and artifacts, cut where they are long", async () => {
    await using client = await connect(api.url);
    const program = await Program.begin(callerOf(deps));
    const { project_id } = program;
    const lines = Array.from({ length: 900 }, (_, i) => `line ${i} ${"界".repeat(60)}`);
    await program.report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines });
    const put = async (path: string, bytes: string | Uint8Array, media_type: string) => {
      await deps.artifacts.put({ project_id, stage: "one", attempt: 1, path }, Buffer.from(bytes));
      await program.report({ event: "artifacts", stage: "one", artifacts: [{ path, media_type }] });
    };
    await put("docs/plan 1.md", "# A plan", "text/markdown");
    await put("large.txt", "界".repeat(30_000), "text/plain");
    await put("picture.png", new Uint8Array([0x89, 0xff, 0x00]), "image/png");

    const some = await client.call("read_log", { project_id, stage: "one", limit: 2 });
    expect(some.structuredContent).toMatchObject({ items: [{ text: lines[0] }, { text: lines[1] }] });
    const all = await client.call("read_log", { project_id, stage: "one", limit: 1000 });
    const [{ text }] = Object(all.content);
    expect(Buffer.byteLength(text)).toBeLessThan(50 * 1024);
    expect(text).toMatch(/cut after 49152 of \d+ bytes: ask for less/);

    const plan = await client.call("read_artifact", { project_id, path: "docs/plan 1.md" });
    expect(plan.structuredContent).toMatchObject({ text: "# A plan", size: 8, is_whole: true });
    const large = Object(
      (await client.call("read_artifact", { project_id, path: "large.txt" })).structuredContent,
    );
    expect(large).toMatchObject({ size: 90_000, is_whole: false });
    expect(large.text).toMatch(/^界+$/);
    const picture = await client.call("read_artifact", { project_id, path: "picture.png" });
    expect(picture.structuredContent).toMatchObject({ text: null, media_type: "image/png", size: 3 });

    const asResource = await client.read(`${buildUri(project_id)}/artifacts/docs/plan%201.md`);
    expect(asResource.contents[0]).toMatchObject({ text: "# A plan" });
    const build = await client.read(buildUri(project_id));
    expect(JSON.parse(String(build.contents[0]?.text))).toMatchObject({ project_id });
    expect(JSON.stringify(build)).not.toContain("lease_token");
    const { resources } = await client.resources();
    expect(resources.map(({ uri }) => uri)).toContain(buildUri(project_id));
  });
});

describe.each(Object.entries(CLIENTS))("MCP and agents, with %s", (_name, connect) => {
  it("finds an agent and asks it; an answer is cut where it is long, and a slow one is waited for again", async () => {
    const usage = {
      input_tokens: 1,
      output_tokens: 1,
      cached_tokens: 0,
      tool_calls: 0,
      steps: 1,
      cost_usd: 0,
    };
    let finish: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let runs = 0;
    const runner: AgentRunner = {
      run: async ({ user: { text } }, { onEvent }) => {
        runs += 1;
        if (text === "slowly") await slow;
        const answer = text === "at length" ? "界".repeat(20_000) : `heard ${text}`;
        onEvent({ event: "text", block: 0, at: 0, text: answer });
        return { status: "completed", error: null, finish_reason: "stop", usage };
      },
    };
    const records = new MemoryRecordStore();
    const own = { ...memoryDeps(), records, runner };
    await using served = await serve(own);
    const agent_id = newAgentId();
    const { agents } = new AgentRecords({ records, artifacts: own.artifacts, clock: own.clock });
    await agents.publish(
      agent_id,
      { agent_name: "echo" },
      {
        ...{ version: 1, project_id: "proj_0123456789ab", run: 1, stage: "one", attempt: 1 },
        ...{ at: "2025-06-01T10:00:00.000Z", kind: "rules", entry: "a.mjs" },
        ...{ tools: [], unmet: [], secrets: [] },
      },
    );
    await using client = await connect(served.url);
    const list = await client.call("list_agents", { status: "ready" });
    expect(list.structuredContent).toMatchObject({ items: [{ agent_id, agent_name: "echo" }] });
    const agent = await client.call("get_agent", { agent_id });
    expect(agent.structuredContent).toMatchObject({ agent_id, versions: [{ version: 1 }] });

    const answered = await client.call("ask_agent", { agent_id, text: "hello" });
    expect(answered.structuredContent).toMatchObject({
      status: "completed",
      blocks: [{ type: "text", text: "heard hello" }],
    });
    const long = await client.call("ask_agent", { agent_id, text: "at length" });
    expect(Object(long.content)[0].text).toMatch(/界\n… cut after 49152 of \d+ bytes/);

    const question = { agent_id, text: "slowly", invocation_key: "k", wait_seconds: 0.1 };
    const early = Object((await client.call("ask_agent", question)).structuredContent);
    expect(early).toMatchObject({ status: "running" });
    finish();
    const late = await client.call("ask_agent", { ...question, wait_seconds: 20 });
    expect(late.structuredContent).toMatchObject({
      invocation_id: early.invocation_id,
      status: "completed",
      blocks: [{ text: "heard slowly" }],
    });
    expect(runs).toBe(3);
    const missing = await client.call("ask_agent", { agent_id: newAgentId(), text: "x" });
    expect(missing).toMatchObject({ isError: true, structuredContent: { code: "AGENT_NOT_FOUND" } });
  });
});

describe("MCP behind the doors", () => {
  it("asks who it is, keeps to their role, and writes down what they did", async () => {
    const onError = (error: unknown) => expect.unreachable(String(error));
    const auth = new Auth({ keys: true }, { records: new MemoryRecordStore(), clock: deps.clock, onError });
    await using guarded = await serve({ ...memoryDeps(), auth });
    await expect(newClient(guarded.url)).rejects.toThrow();
    await expect(newClient(guarded.url, "sf_000000000000_wrong")).rejects.toThrow();
    const viewer = await auth.keys.create({ name: "v", role: "viewer" }, "test");
    const operator = await auth.keys.create({ name: "o", role: "operator" }, "test");
    for (const connect of Object.values(CLIENTS)) {
      await using reads = await connect(guarded.url, viewer.key);
      await using creates = await connect(guarded.url, operator.key);
      const refused = await reads.call("create_build", { requirement: "x" });
      expect(refused).toMatchObject({ isError: true, structuredContent: { code: "FORBIDDEN" } });
      const made = await creates.call("create_build", { requirement: "x" });
      expect(made.structuredContent).toMatchObject({ created_by: "key:o" });
    }
    const rows = (await auth.audit.list(10)).items.map(({ role, result }) => `${role} ${result}`);
    expect(rows.sort()).toEqual(["operator ok", "operator ok", "viewer FORBIDDEN", "viewer FORBIDDEN"]);
  });

  it("refuses pages of other sites, forms and bodies that are too large", async () => {
    const at = (init: RequestInit) => api.call("/mcp", { method: "POST", ...init });
    const type = { "content-type": "application/json" };
    expect((await at({ headers: { ...type, origin: "https://evil.example" }, body: "{}" })).status).toBe(403);
    expect((await at({ headers: { "content-type": "text/plain" }, body: "{}" })).status).toBe(415);
    expect((await at({ headers: type, body: `"${"x".repeat(1024 * 1024)}"` })).status).toBe(413);
    expect((await at({ headers: type, body: "{" })).status).toBe(400);
    expect((await at({ headers: type, body: "[]" })).status).toBe(400);
  });
});

it("refuses a message that is nested without end, and does not fail over it", async () => {
  const deep = `${'{"a":'.repeat(60_000)}1${"}".repeat(60_000)}`;
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  for (const params of [`{"name":"get_build","arguments":${deep}}`, `{"_meta":${deep}}`, deep]) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    const answer = await api.call("/mcp", { method: "POST", headers, body });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("levels of nesting")]);
  }
});

describe("a resource that is watched", () => {
  it("says within a second that its build has changed, and nothing of others", async () => {
    const { client, ...all } = await newClient(api.url);
    await using _closed = all;
    const caller = callerOf(deps);
    const one = await caller.projects.create({ requirement: "watched", stages: OWN_STAGES });
    const other = await caller.projects.create({ requirement: "not watched", stages: OWN_STAGES });
    const uris: string[] = [];
    client.setNotificationHandler(
      "notifications/resources/updated",
      ({ params }) => void uris.push(params.uri),
    );
    await client.listen({ resourceSubscriptions: [buildUri(one.project_id)] });
    await caller.projects.pause({ project_id: other.project_id });
    await caller.projects.pause({ project_id: one.project_id });
    await expect.poll(() => uris).toEqual([buildUri(one.project_id)]);
  });
});
