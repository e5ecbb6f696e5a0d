import { join } from "node:path";
import { Client as NewClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as NewTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PATIENCE_MS } from "../../../../tooling/vitest/until.ts";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { serve } from "../../test/serve.ts";
import { buildUri } from "./resources.ts";

const MAIN = join(import.meta.dirname, "../../dist/mcp/main.js");
const INFO = { name: "test", version: "1.0.0" };
const deps = memoryDeps();
let api: Awaited<ReturnType<typeof serve>>;
let server: { command: string; args: string[]; env: Record<string, string> };
beforeAll(async () => {
  api = await serve(deps);
  server = { command: process.execPath, args: [MAIN], env: { STAGEFOLD_URL: api.url } };
});
afterAll(() => api.close());

/** What a client saw change, by its address. */
interface Connected extends AsyncDisposable {
  readonly updated: string[];
  watch(uri: string): Promise<unknown>;
  call(name: string, args: Record<string, unknown>): Promise<{ [field: string]: unknown }>;
  read(uri: string): Promise<{ contents: { [field: string]: unknown }[] }>;
}

const CLIENTS: Record<string, () => Promise<Connected>> = {
  "a client of 2026": async () => {
    const client = new NewClient(INFO, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
    await client.connect(new NewTransport(server));
    const updated: string[] = [];
    client.setNotificationHandler(
      "notifications/resources/updated",
      ({ params }) => void updated.push(params.uri),
    );
    return {
      updated,
      watch: (uri) => client.listen({ resourceSubscriptions: [uri] }),
      call: (name, args) => client.callTool({ name, arguments: args }),
      read: (uri) => client.readResource({ uri }),
      [Symbol.asyncDispose]: () => client.close(),
    };
  },
  "a client of 2025": async () => {
    const client = new OldClient(INFO);
    await client.connect(new OldTransport(server));
    const updated: string[] = [];
    client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void updated.push(params.uri),
    );
    return {
      updated,
      watch: (uri) => client.subscribeResource({ uri }),
      call: (name, args) => client.callTool({ name, arguments: args }),
      read: (uri) => client.readResource({ uri }),
      [Symbol.asyncDispose]: () => client.close(),
    };
  },
};

describe.each(Object.entries(CLIENTS))("MCP on stdin and stdout, with %s", (_name, connect) => {
  it("does what the tools do over HTTP: builds, logs, artifacts, refusals", async () => {
    await using client = await connect();
    const made = await client.call("create_build", { requirement: "over stdio" });
    const { project_id } = Object(made.structuredContent);
    const waiting = client.call("wait_for_build", { project_id, timeout_seconds: 30 });
    await client.call("cancel_build", { project_id });
    expect((await waiting).structuredContent).toMatchObject({ project_id, status: "cancelled" });
    const missing = await client.call("get_build", { project_id: "proj_000000000000" });
    expect(missing).toMatchObject({ isError: true, structuredContent: { code: "PROJECT_NOT_FOUND" } });

    const program = await Program.begin(callerOf(deps));
    const id = program.project_id;
    await program.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["a line"] },
    );
    await deps.artifacts.put(
      { project_id: id, stage: "one", attempt: 1, path: "a b/计划.txt" },
      Buffer.from("text"),
    );
    await program.report({
      event: "artifacts",
      stage: "one",
      artifacts: [{ path: "a b/计划.txt", media_type: "text/plain" }],
    });
    const log = await client.call("read_log", { project_id: id, stage: "one" });
    expect(log.structuredContent).toMatchObject({ items: [{ text: "a line" }] });
    const artifact = await client.call("read_artifact", { project_id: id, path: "a b/计划.txt" });
    expect(artifact.structuredContent).toMatchObject({ text: "text", size: 4, is_whole: true });
    const none = await client.call("read_artifact", { project_id: id, path: "none" });
    expect(none).toMatchObject({ isError: true, structuredContent: { code: "ARTIFACT_NOT_FOUND" } });
    const list = await client.call("list_builds", { status: "cancelled", limit: 1 });
    expect(list.structuredContent).toMatchObject({ items: [{ status: "cancelled" }] });
    const build = await client.read(buildUri(id));
    expect(JSON.parse(String(build.contents[0]?.text))).toMatchObject({ project_id: id, status: "building" });
  });

  it("says that a watched build has changed", async () => {
    await using client = await connect();
    const caller = callerOf(deps);
    const { project_id } = await caller.projects.create({ requirement: "watched", stages: OWN_STAGES });
    const other = await caller.projects.create({ requirement: "other", stages: OWN_STAGES });
    await client.watch(buildUri(project_id));
    // The watch of the API is open a moment after the answer.
    await vi.waitFor(
      async () => {
        const { status } = await caller.projects.get({ project_id });
        await (status === "paused"
          ? caller.projects.resume({ project_id })
          : caller.projects.pause({ project_id }));
        await expect.poll(() => client.updated, { timeout: 1000 }).toContain(buildUri(project_id));
      },
      { timeout: PATIENCE_MS },
    );
    await caller.projects.pause({ project_id: other.project_id });
    expect(client.updated).not.toContain(buildUri(other.project_id));
  });
});

it("an API that does not answer is a refusal, and the server continues", async () => {
  server = { ...server, env: { STAGEFOLD_URL: "http://127.0.0.1:1" } };
  const connect = CLIENTS["a client of 2025"];
  await using client = await connect?.();
  for (let i = 0; i < 2; i++)
    expect(await client?.call("list_builds", {})).toMatchObject({
      isError: true,
      structuredContent: { code: "STORE_UNAVAILABLE" },
    });
});
