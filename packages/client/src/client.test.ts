import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { beginProgram } from "../test/program.ts";
import { serve } from "../test/server.ts";
import { ConnectionError, createClient, type StagefoldClient } from "./index.ts";

let server: Awaited<ReturnType<typeof serve>>;
let client: StagefoldClient;

beforeAll(async () => {
  server = await serve();
  client = createClient({ url: `${server.url}/` });
});
afterAll(() => server.close());

test("a build is created, found, changed and deleted", async () => {
  const created = await client.projects.create({
    requirement: "count words",
    user_id: "client-test",
    tags: ["t"],
  });
  expect(created).toMatchObject({ status: "queued", pipeline: "agent-build", revision: 1 });
  const { project_id } = created;
  expect(await client.projects.get({ project_id })).toEqual(created);
  const list = await client.projects.list({ user_id: "client-test", tag: "t", limit: 5 });
  expect(list).toMatchObject({ items: [{ project_id, status: "queued" }], next_cursor: null });
  expect((await client.projects.pause({ project_id })).status).toBe("paused");
  expect((await client.projects.resume({ project_id })).status).toBe("queued");
  expect((await client.projects.cancel({ project_id })).status).toBe("cancelled");
  expect(await client.projects.retry({ project_id })).toMatchObject({ status: "queued", run: 2 });
  expect(await client.projects.delete({ project_id })).toEqual({ project_id, deleted: true });
  expect((await client.projects.list({ user_id: "client-test" })).items).toEqual([]);
});

test("a list is paged through", async () => {
  const made: string[] = [];
  for (const requirement of ["a", "b", "c"])
    made.unshift((await client.projects.create({ requirement, user_id: "pages" })).project_id);
  const first = await client.projects.list({ user_id: "pages", limit: 2 });
  const rest = await client.projects.list({ user_id: "pages", limit: 2, cursor: first.next_cursor });
  expect([first.items.length, rest.next_cursor]).toEqual([2, null]);
  expect([...first.items, ...rest.items].map((item) => item.project_id).sort()).toEqual(made.sort());
});

test("a program runs the stages of its own project, with logs and artifacts", async () => {
  const { project_id, lease_token, report } = await beginProgram(client);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["first", "第二"] });
  expect(await client.work.heartbeat({ project_id, lease_token })).toMatchObject({ status: "building" });
  const logs = await client.stages.logs({ project_id, stage: "one" });
  expect(logs.items).toMatchObject([{ text: "first", stream: "log" }, { text: "第二" }]);
  expect(logs.next_cursor).not.toBeNull();

  const path = "docs/a b/结果.txt";
  const content = "the result";
  const sha256 = createHash("sha256").update(content).digest("hex");
  const uploaded = await client.artifacts.upload({
    project_id,
    path,
    stage: "one",
    attempt: 1,
    lease_token,
    content,
  });
  expect(uploaded).toEqual({ path, size: 10, sha256 });
  await report({ event: "completed", stage: "one", output: { words: 2 }, artifacts: [uploaded] });
  const ended = await report(
    { event: "started", stage: "two" },
    { event: "skipped", stage: "two", reason: "none" },
  );
  expect(ended.status).toBe("completed");

  expect(await (await client.artifacts.download({ project_id, path })).text()).toBe(content);
  expect((await client.artifacts.listByProject({ project_id })).items).toMatchObject([
    { path, sha256, stage: "one" },
  ]);
  expect(await client.stages.get({ project_id, stage: "one" })).toMatchObject({
    output_data: { words: 2 },
    attempts: [{ attempt: 1, status: "completed" }],
  });
  expect((await client.stages.list({ project_id })).items.map((stage) => stage.status)).toEqual([
    "completed",
    "skipped",
  ]);
});

test("artifacts come as a stream too, and are recorded and removed without a lease", async () => {
  const { project_id, lease_token, report } = await beginProgram(client);
  await report({ event: "started", stage: "one" });
  const content = new Blob(["streamed ", "bytes"]).stream();
  const where = { project_id, path: "s.bin", stage: "one", attempt: 1 };
  expect(await client.artifacts.upload({ ...where, lease_token, content })).toMatchObject({ size: 14 });
  await report({ event: "artifacts", stage: "one", artifacts: [{ path: where.path }] });
  expect(await (await client.artifacts.download(where)).text()).toBe("streamed bytes");
  const on = { project_id, stage: "two" };
  const recorded = await client.artifacts.record({ ...on, artifacts: [{ path: "x.txt" }], mode: "add" });
  expect(recorded.stages_snapshot.stages[1]?.output_data.artifacts).toEqual(["x.txt"]);
  const removed = await client.artifacts.removeForStage(on);
  expect(removed.stages_snapshot.stages[1]?.output_data.artifacts).toEqual([]);
});

test("work is released for another", async () => {
  const { project_id, lease_token } = await beginProgram(client);
  const { lease_seq } = await client.projects.get({ project_id });
  const released = await client.work.release({ project_id, lease_token, lease_seq: lease_seq + 1 });
  expect(released.status).toBe("queued");
  expect(await client.work.claim({ owner: "other", pipelines: ["no-such"] })).toBeNull();
});

test("artifacts of an agent, figures, pipelines and the system itself", async () => {
  const agent_id = "agent_0123456789ab";
  await client.projects.create({ requirement: "r", agent_id });
  expect(await client.artifacts.listByAgent({ agent_id })).toEqual({ items: [], next_cursor: null });
  const overview = await client.stats.overview();
  expect(overview.total).toBeGreaterThan(0);
  const builds = await client.stats.builds({ days: 2, time_zone: "Asia/Shanghai" });
  expect(builds).toMatchObject({ time_zone: "Asia/Shanghai", days: { length: 2 } });
  expect((await client.pipelines.list()).items.map((pipeline) => pipeline.name)).toContain("agent-build");
  expect(await client.system.info()).toMatchObject({ name: "stagefold", schema_version: 1 });
});

test("headers and fetch are the caller's", async () => {
  const seen: string[] = [];
  const own = createClient({
    url: server.url,
    headers: { "x-test": "yes" },
    fetch: (input, init) => {
      seen.push(`${new Headers(init?.headers).get("x-test")} ${new URL(input).pathname}`);
      return fetch(input, init);
    },
  });
  const { project_id } = await own.projects.create({ requirement: "r" });
  for await (const project of own.projects.watch({ project_id })) if (project.revision > 0) break;
  expect(seen).toEqual(["yes /trpc/projects.create", "yes /trpc/projects.watch"]);
});

test("a read whose connection was cut before an answer is asked once more, a write is not", async () => {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket
      .on("error", () => undefined)
      .once("data", (head) => {
        asked.push(String(head).split(" ", 1)[0] ?? "");
        const body = JSON.stringify({ result: { data: { items: [], next_cursor: null } } });
        if (asked.filter((method) => method === "GET").length < 2) socket.resetAndDestroy();
        else
          socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${body}`);
      });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const cut = createClient({ url: `http://127.0.0.1:${port}` });
  try {
    await expect(cut.projects.create({ requirement: "r" })).rejects.toThrow(ConnectionError);
    expect(await cut.projects.list({})).toEqual({ items: [], next_cursor: null });
    expect(asked).toEqual(["POST", "GET", "GET"]);
  } finally {
    server.close();
  }
});
