import { afterEach, expect, test } from "vitest";
import { beginProgram } from "../test/program.ts";
import { memoryDeps, serve, until } from "../test/server.ts";
import { createClient, type ListChange, type Project } from "./index.ts";

type Server = Awaited<ReturnType<typeof serve>>;
const servers: Server[] = [];

async function start(deps = memoryDeps(), port = 0): Promise<Server> {
  const server = await serve(deps, port);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

test("every revision arrives, in order, from the present one on", async () => {
  const client = createClient({ url: (await start()).url });
  const { project_id, report } = await beginProgram(client);
  const seen: number[] = [];
  const watching = (async () => {
    for await (const project of client.projects.watch({ project_id })) {
      seen.push(project.revision);
      if (project.status === "completed") return project;
    }
    throw new Error("expected the build to complete before the stream ends");
  })();
  await until(() => seen.length === 1, "the present revision");
  for (const stage of ["one", "two"]) {
    await report({ event: "started", stage });
    await report({ event: "progress", stage, progress: 50 });
    await report({ event: "completed", stage });
  }
  const last = await watching;
  const first = seen[0] ?? 0;
  expect(seen).toEqual(Array.from({ length: last.revision - first + 1 }, (_, i) => first + i));
});

test("a restart of the server on the same port is lived through: nothing missed, nothing twice", async () => {
  const deps = memoryDeps();
  const first = await start(deps);
  const client = createClient({ url: first.url });
  const { project_id } = await beginProgram(client);
  const seen: Project[] = [];
  const states: string[] = [];
  const onConnection = (state: string) => states.push(state);
  const watching = (async () => {
    for await (const project of client.projects.watch({ project_id }, { onConnection })) {
      seen.push(project);
      if (project.status === "completed") return;
    }
  })();
  await until(() => seen.length === 1, "the first revision");
  await first.close();
  // Written while the client has nobody to hear it from.
  const { repository } = deps;
  const held = await repository.get(project_id);
  const { lease_token } = held;
  const started = { event: "started", stage: "one" } as const;
  const seq = held.lease_seq + 1;
  await repository.work.report({ project_id, lease_token, lease_seq: seq, events: [started] });
  await new Promise((wake) => setTimeout(wake, 700));
  await start(deps, first.port);
  await until(() => seen.length === 2, "the revision that was written meanwhile");
  const done = { event: "completed", stage: "one" } as const;
  const all = [done, { ...started, stage: "two" }, { ...done, stage: "two" }];
  await repository.work.report({ project_id, lease_token, lease_seq: seq + 1, events: all });
  await watching;
  const revisions = seen.map((project) => project.revision);
  expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  expect(seen[1]?.stages_snapshot.stages[0]?.status).toBe("running");
  // However many attempts it took.
  expect(states).toEqual(["connected", "lost", "connected"]);
});

test("a watch that goes on after a revision is not told of it again", async () => {
  const client = createClient({ url: (await start()).url });
  const { project_id, revision } = await client.projects.create({ requirement: "r" });
  const watch = client.projects.watch({ project_id, lastEventId: String(revision) });
  const next = watch.next();
  await client.projects.pause({ project_id });
  expect((await next).value).toMatchObject({ status: "paused", revision: revision + 1 });
  await watch.return();
});

test("leaving the loop, or aborting, leaves no stream behind", async () => {
  const server = await start();
  const client = createClient({ url: server.url });
  const { project_id } = await client.projects.create({ requirement: "r" });
  for await (const project of client.projects.watch({ project_id })) {
    expect(project.project_id).toBe(project_id);
    expect(await server.openWatches()).toBe(1);
    break;
  }
  await until(async () => (await server.openWatches()) === 0, "no open stream after break");

  const abort = new AbortController();
  const ended = (async () => {
    const seen: string[] = [];
    for await (const project of client.projects.watch({ project_id }, { signal: abort.signal }))
      seen.push(project.status);
    return seen;
  })();
  const changes = (async () => {
    for await (const change of client.projects.watchList({}, { signal: abort.signal })) return change;
    return "ended";
  })();
  await until(async () => (await server.openWatches()) === 2, "two open streams");
  abort.abort();
  expect(await ended).toEqual(["queued"]);
  expect(await changes).toBe("ended");
  await until(async () => (await server.openWatches()) === 0, "no open stream after abort");
});

test("aborting while the server is away ends the loop too", async () => {
  const server = await start();
  const client = createClient({ url: server.url });
  const { project_id } = await client.projects.create({ requirement: "r" });
  const abort = new AbortController();
  const watch = client.projects.watch({ project_id }, { signal: abort.signal });
  await watch.next();
  const end = watch.next();
  await server.close();
  setTimeout(() => abort.abort(), 300);
  expect(await end).toEqual({ done: true, value: undefined });
});

test("what is not there, or is deleted meanwhile, is PROJECT_NOT_FOUND", async () => {
  const client = createClient({ url: (await start()).url });
  const missing = client.projects.watch({ project_id: "proj_000000000000" });
  await expect(missing.next()).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
  const { project_id } = await client.projects.create({ requirement: "r" });
  const watch = client.projects.watch({ project_id });
  await watch.next();
  // Expected before it can come: the stream may be quicker than the answer to the delete.
  const ends = expect(watch.next()).rejects.toMatchObject({
    code: "PROJECT_NOT_FOUND",
    data: { project_id },
  });
  await client.projects.delete({ project_id });
  await ends;
});

test("bad input is refused, not tried again", async () => {
  const client = createClient({ url: (await start()).url });
  await expect(client.projects.watch({ project_id: "nonsense" }).next()).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
});

test("a filtered list tells of its changes, over a restart of the server too", async () => {
  const deps = memoryDeps();
  const server = await start(deps);
  const client = createClient({ url: server.url });
  const seen: ListChange[] = [];
  const abort = new AbortController();
  const watching = (async () => {
    for await (const change of client.projects.watchList({ user_id: "me" }, { signal: abort.signal }))
      seen.push(change);
  })();
  await until(async () => (await server.openWatches()) === 1, "the stream");
  await client.projects.create({ requirement: "r", user_id: "other" });
  const { project_id } = await client.projects.create({ requirement: "r", user_id: "me" });
  await until(() => seen.length === 1, "the change");
  expect(seen[0]).toMatchObject({ kind: "changed", project: { project_id, status: "queued" } });
  await server.close();
  const again = await start(deps, server.port);
  await until(async () => (await again.openWatches()) === 1, "the stream again");
  await client.projects.pause({ project_id });
  await until(
    () => seen.some((change) => change.kind === "changed" && change.project.status === "paused"),
    "the pause",
  );
  abort.abort();
  await watching;
});

test("waitForEnd resolves with the ended build, at once when it has ended", async () => {
  const client = createClient({ url: (await start()).url });
  const { project_id } = await client.projects.create({ requirement: "r" });
  const waiting = client.projects.waitForEnd({ project_id });
  await client.projects.cancel({ project_id });
  expect((await waiting).status).toBe("cancelled");
  expect((await client.projects.waitForEnd({ project_id })).status).toBe("cancelled");
});

test("the list and some projects come in one stream, over a restart of the server too", async () => {
  const deps = memoryDeps();
  const server = await start(deps);
  const client = createClient({ url: server.url });
  const { project_id } = await client.projects.create({ requirement: "r" });
  const seen: string[] = [];
  const abort = new AbortController();
  const ids = [project_id, "proj_000000000000"];
  const watching = (async () => {
    for await (const change of client.projects.watchMany({ project_ids: ids }, { signal: abort.signal }))
      seen.push(change.kind === "project" ? `project ${change.project.status}` : change.kind);
  })();
  await until(() => seen.includes("project queued") && seen.includes("ended"), "the projects at once");
  await client.projects.pause({ project_id });
  await until(() => seen.includes("project paused") && seen.includes("changed"), "the change, twice");
  await server.close();
  await start(deps, server.port);
  await deps.repository.control.cancel(project_id);
  await until(() => seen.includes("project cancelled"), "the state after the restart");
  abort.abort();
  await watching;
  // What is shown once is not told again, but for the project as it is after a lost connection.
  expect(seen.filter((one) => one === "project queued")).toHaveLength(1);
});
