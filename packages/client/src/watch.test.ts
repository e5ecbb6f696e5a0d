import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
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

test("a watch that continues after a revision is not told of it again", async () => {
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

test("a list that lost its connection before anything came is told to read again", async () => {
  const deps = memoryDeps();
  const server = await start(deps);
  const client = createClient({ url: server.url });
  const seen: string[] = [];
  const abort = new AbortController();
  const follow = async (changes: AsyncIterable<{ kind: string }>) => {
    for await (const { kind } of changes) seen.push(kind);
  };
  const { signal } = abort;
  const watching = [
    follow(client.projects.watchList({}, { signal })),
    follow(client.projects.watchMany({}, { signal })),
  ];
  await until(async () => (await server.openWatches()) === 2, "the streams");
  await server.close();
  await start(deps, server.port);
  await until(() => seen.length === 2, "both");
  expect(seen).toEqual(["reset", "reset"]);
  abort.abort();
  await Promise.all(watching);
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

/** A server of event streams that does to each connection what the test says. */
async function streams(
  behave: (response: ServerResponse, connection: number) => void,
): Promise<AsyncDisposable & { readonly url: string; readonly connections: { at: number; url: string }[] }> {
  const connections: { at: number; url: string }[] = [];
  const server = createServer((request, response) => {
    connections.push({ at: performance.now(), url: decodeURIComponent(request.url ?? "") });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('event: connected\ndata: {"reconnectAfterInactivityMs":30000}\n\n');
    behave(response, connections.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function event(id: string, data: object): string {
  return `data: ${JSON.stringify(data)}\nid: ${id}\n\n`;
}

const project_id = "proj_0123456789ab";

test("S1: a server that opens and closes at once is asked less and less often", async () => {
  await using server = await streams((response) => response.end());
  const client = createClient({ url: server.url });
  const signal = AbortSignal.timeout(4000);
  for await (const _ of client.projects.watch({ project_id }, { signal }))
    throw new Error("expected no event");
  // Pauses of 100 ms at least would make 40 of them.
  expect(server.connections.length).toBeGreaterThan(2);
  expect(server.connections.length).toBeLessThan(9);
});

test("S1: so is one that answers every connection with an event and closes it", async () => {
  await using server = await streams((response, n) =>
    response.end(event(String(n), { project_id, revision: n })),
  );
  const client = createClient({ url: server.url });
  let events = 0;
  const signal = AbortSignal.timeout(4000);
  for await (const _ of client.projects.watch({ project_id }, { signal })) events += 1;
  expect(events).toBe(server.connections.length);
  expect(events).toBeLessThan(9);
});

test("S1: a store that is away for a while is not asked more often than that either", async () => {
  const away = { message: "away", data: { stagefold: { code: "STORE_UNAVAILABLE", retry_after: 1 } } };
  await using server = await streams((response) =>
    response.end(`event: serialized-error\ndata: ${JSON.stringify(away)}\n\n`),
  );
  const client = createClient({ url: server.url });
  const signal = AbortSignal.timeout(2500);
  for await (const _ of client.projects.watch({ project_id }, { signal }))
    throw new Error("expected no event");
  expect(server.connections.length).toBeLessThan(5);
});

test("S1: after a connection that has worked the next one is made soon", async () => {
  let lost = 0;
  await using server = await streams((response, n) => {
    response.write(event(String(n), { project_id, revision: n }));
    if (n > 3) return;
    setTimeout(() => {
      lost = performance.now();
      response.end();
    }, 500);
  });
  const client = createClient({ url: server.url });
  const pauses: number[] = [];
  for await (const { revision } of client.projects.watch({ project_id })) {
    if (revision > 1) pauses.push(performance.now() - lost);
    if (revision === 4) break;
  }
  expect(Math.max(...pauses)).toBeLessThan(400);
  expect(server.connections.map(({ url }) => /"lastEventId":"(\d)"/.exec(url)?.[1])).toEqual([
    undefined,
    "1",
    "2",
    "3",
  ]);
});

test("S2: an id of the wrong form is refused on the first connection, and asked for once", async () => {
  const server = await start();
  let requests = 0;
  const client = createClient({
    url: server.url,
    fetch: (input, init) => {
      requests += 1;
      return fetch(input, init);
    },
  });
  const ids = ["proj_0123456789a", "proj_0123456789abc", "proj_0123456789AB", "proj_", "", "x".repeat(5000)];
  for (const id of ids)
    for (const watch of [
      client.projects.watch({ project_id: id }, { patient: true }),
      client.projects.watchMany({ project_ids: [id] }, { patient: true }),
    ])
      await expect(watch.next(), id.slice(0, 20)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(requests).toBe(2 * ids.length);
});

test("L15: a project that was made again under its id, at the same revision, is told after a reconnect", async () => {
  const life = (created_at: string) => event("7", { project_id, revision: 7, created_at });
  await using server = await streams((response, n) => response.end(life(n === 1 ? "first" : "second")));
  const client = createClient({ url: server.url });
  const seen: string[] = [];
  for await (const { created_at } of client.projects.watch({ project_id })) {
    seen.push(created_at);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(["first", "second"]);
});

test("L15: so it is by the real API, when it was made again while the watch had no connection", async () => {
  const deps = memoryDeps();
  const first = await start(deps);
  const create = (url: string) =>
    createClient({ url }).projects.create({ requirement: "r", user_id: "u", idempotency_key: "same" });
  const { project_id: id, revision, created_at } = await create(first.url);
  const seen: Project[] = [];
  const watching = (async () => {
    for await (const project of createClient({ url: first.url }).projects.watch({ project_id: id }))
      if (seen.push(project) === 2) return;
  })();
  await until(() => seen.length === 1, "the first life");
  await first.close();
  const meanwhile = await start(deps);
  await createClient({ url: meanwhile.url }).projects.delete({ project_id: id });
  expect(await create(meanwhile.url)).toMatchObject({ project_id: id, revision });
  await start(deps, first.port);
  await watching;
  expect(seen.map((project) => project.revision)).toEqual([revision, revision]);
  expect(seen[1]?.created_at).not.toBe(created_at);
});

test("a connection that falls silent is made again", async () => {
  await using server = await streams((response, n) => {
    if (n === 1) response.write('event: connected\ndata: {"reconnectAfterInactivityMs":200}\n\n');
    else response.write(event("1", { project_id, revision: 1 }));
  });
  const client = createClient({ url: server.url });
  const reasons: (string | undefined)[] = [];
  const onConnection = (_: string, reason?: Error) => reasons.push(reason?.message);
  for await (const _ of client.projects.watch({ project_id }, { onConnection })) break;
  expect(reasons[1]).toContain("sent nothing for 0.2 s");
});

test("a patient watch waits for a server that is not there yet", async () => {
  const gone = await start();
  await gone.close();
  const client = createClient({ url: gone.url });
  const watching = client.projects.watchMany({}, { patient: true }).next();
  await new Promise((wake) => setTimeout(wake, 300));
  const server = await start(memoryDeps(), gone.port);
  await until(async () => (await server.openWatches()) === 1, "the stream");
  await client.projects.create({ requirement: "r" });
  expect(await watching).toMatchObject({ value: { kind: "changed" } });
});
