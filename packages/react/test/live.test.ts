import { builtInPipelines } from "@stagefold/agent-build";
import { startApi } from "@stagefold/api";
import { createClient, type Fetch, StagefoldClientError } from "@stagefold/client";
import { createMemoryFileStores, MemoryChangeFeed, MemoryProjectStore, Repository } from "@stagefold/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Live } from "../src/live.ts";
import { artifactsOf, logOf } from "../src/parts.ts";

let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  const { artifacts, logs } = createMemoryFileStores();
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, leaseMs: 60_000 });
  const feed = new MemoryChangeFeed(store);
  api = await startApi(
    { repository, feed, artifacts, logs, pipelines: builtInPipelines() },
    { host: "127.0.0.1", port: 0 },
  );
});
afterAll(() => api.close());

/** What one provider has, on a real API; `streams` are those that it opened. */
function setUp() {
  const streams: { readonly url: string; readonly signal: AbortSignal | null | undefined }[] = [];
  const asked: string[] = [];
  const fetch: Fetch = (input, init) => {
    asked.push(String(input));
    if (String(input).includes(".watch")) streams.push({ url: String(input), signal: init?.signal });
    return globalThis.fetch(input, init);
  };
  const client = createClient({ url: api.url, fetch });
  const requests = (procedure: string) => asked.filter((url) => url.includes(procedure)).length;
  const open = () => streams.filter(({ signal }) => signal?.aborted === false);
  const program = async () => {
    const stages = [{ stage: "one" }, { stage: "two" }];
    const { project_id } = await client.projects.create({ requirement: "r", pipeline: "mine", stages });
    const claimed = await client.work.claim({ owner: "test", project_id });
    if (!claimed) throw new Error("expected a claim");
    let { lease_seq } = claimed;
    const { lease_token } = claimed;
    type Events = Parameters<typeof client.work.report>[0]["events"];
    const report = (...events: Events) =>
      client.work.report({ project_id, lease_token, lease_seq: ++lease_seq, events });
    return { project_id, report };
  };
  return { client, live: new Live(client), streams, open, requests, program };
}

const nothing = () => undefined;

test("readers of one build share one stream, which ends a second after the last one left", async () => {
  const { live, streams, open, program } = setUp();
  const { project_id, report } = await program();
  const entry = live.project(project_id);
  const leave = [entry.subscribe(nothing), live.project(project_id).subscribe(nothing)];
  await expect.poll(() => entry.read()).toMatchObject({ status: "ready", value: { status: "building" } });
  await report({ event: "started", stage: "one" }, { event: "progress", stage: "one", progress: 40 });
  await expect.poll(() => entry.read().value?.stages_snapshot.stages[0]?.progress).toBe(40);
  expect(streams).toHaveLength(1);
  expect(live.readConnection()).toBe("online");

  // StrictMode: out and in again.
  leave[0]?.();
  leave[1]?.();
  const again = live.project(project_id).subscribe(nothing);
  await new Promise((next) => setTimeout(next, 1200));
  expect(open()).toHaveLength(1);
  expect(live.project(project_id)).toBe(entry);
  again();
  await expect.poll(() => open()).toHaveLength(0);
  expect(streams).toHaveLength(1);
  expect(live.project(project_id)).not.toBe(entry);
});

test("what is watched beside it comes over the next stream, and nothing is missed between the two", async () => {
  const { live, open, program } = setUp();
  const [first, second] = [await program(), await program()];
  const seen: number[] = [];
  const one = live.project(first.project_id);
  one.subscribe(() => seen.push(one.read().value?.revision ?? 0));
  await expect.poll(() => live.readConnection()).toBe("online");
  const other = live.project(second.project_id);
  other.subscribe(nothing);
  await first.report({ event: "started", stage: "one" });
  await expect.poll(() => other.read().status).toBe("ready");
  await expect.poll(() => one.read().value?.stages_snapshot.stages[0]?.status).toBe("running");
  await expect.poll(() => open()).toHaveLength(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("streams that gave way before they were connected are ended with the ones before them", async () => {
  const { streams, open, program } = setUp();
  let release: () => void = () => undefined;
  let held: Promise<void> | undefined;
  // What is opened while `held` is set is connected once it is released, unless it was ended before.
  const fetch: Fetch = async (input, init) => {
    if (!String(input).includes(".watch")) return await globalThis.fetch(input, init);
    streams.push({ url: String(input), signal: init?.signal });
    const ended = new Promise((_, reject) =>
      init?.signal?.addEventListener("abort", () => reject(new Error("ended"))),
    );
    await Promise.race([held, ended]);
    return await globalThis.fetch(input, init);
  };
  const slow = new Live(createClient({ url: api.url, fetch }));
  const ids = [await program(), await program(), await program()].map(({ project_id }) => project_id);
  slow.project(ids[0] ?? "").subscribe(nothing);
  await expect.poll(() => slow.readConnection()).toBe("online");
  held = new Promise((resolve) => {
    release = resolve;
  });
  slow.project(ids[1] ?? "").subscribe(nothing);
  await expect.poll(() => streams).toHaveLength(2);
  held = undefined;
  slow.project(ids[2] ?? "").subscribe(nothing);
  await expect.poll(() => streams).toHaveLength(3);
  await expect.poll(() => slow.project(ids[2] ?? "").read().status).toBe("ready");
  await expect.poll(() => open()).toHaveLength(1);
  release();
});

test("a build that is not there, or is deleted, fails with the API's own refusal", async () => {
  const { client, live } = setUp();
  const missing = live.project("proj_000000000000");
  const settled = missing.settled();
  await expect(settled).rejects.toBeInstanceOf(StagefoldClientError);
  // The error boundary gets it: asked again, it does not wait once more.
  expect(missing.settled()).toBe(settled);
  expect(missing.read().error).toMatchObject({ code: "PROJECT_NOT_FOUND" });

  const { project_id } = await client.projects.create({ requirement: "soon gone" });
  const entry = live.project(project_id);
  entry.subscribe(nothing);
  expect((await entry.settled()).project_id).toBe(project_id);
  expect(await entry.settled()).toBe(await entry.settled());
  await client.projects.delete({ project_id });
  await expect
    .poll(() => entry.read())
    .toMatchObject({ status: "failed", error: { code: "PROJECT_NOT_FOUND" } });
});

test("an id, stage or attempt of the wrong form fails its own hook, and the stream of all others stays", async () => {
  const { live, streams, program } = setUp();
  const { project_id, report } = await program();
  await report({ event: "started", stage: "one" });
  const good = live.project(project_id);
  const bad = ["", "proj_12345"].map((id) => live.project(id));
  const parts = [
    logOf(live, "", "one"),
    logOf(live, project_id, "No Stage"),
    logOf(live, project_id, "one", 0),
  ];
  const artifacts = artifactsOf(live, project_id, "No Stage");
  for (const entry of [good, ...bad, ...parts, artifacts]) entry.subscribe(nothing);
  for (const entry of [...bad, ...parts, artifacts])
    await expect
      .poll(() => entry.read())
      .toMatchObject({ status: "failed", error: { code: "INVALID_INPUT" } });
  await expect.poll(() => good.read().status).toBe("ready");
  await report({ event: "progress", stage: "one", progress: 40 });
  await expect.poll(() => good.read().value?.stages_snapshot.stages[0]?.progress).toBe(40);
  expect(good.read().status).toBe("ready");
  expect(live.readConnection()).toBe("online");
  expect(streams).toHaveLength(1);
});

test("a list shows what comes, what changes and what goes", async () => {
  const { client, live } = setUp();
  const list = live.list({ user_id: "lists", status: "queued" });
  list.subscribe(nothing);
  const ids = () => list.read().value?.map(({ project_id }) => project_id);
  await expect.poll(() => ids()).toEqual([]);
  const make = async (requirement: string) =>
    (await client.projects.create({ requirement, user_id: "lists" })).project_id;
  const one = await make("one");
  await expect.poll(() => ids()).toEqual([one]);
  const two = await make("two");
  await expect.poll(() => ids()?.sort()).toEqual([one, two].sort());
  // It is queued no more, so the filter leaves it out.
  await client.projects.cancel({ project_id: one });
  await expect.poll(() => ids()).toEqual([two]);
  await client.projects.delete({ project_id: two });
  await expect.poll(() => ids()).toEqual([]);
});

test("a list that could not be read, or was read before there was a stream, is read again with the stream", async () => {
  const { client } = setUp();
  let isAway = true;
  let opening: Promise<unknown> = Promise.resolve();
  const fetch: Fetch = async (input, init) => {
    if (String(input).includes(".watch")) await opening;
    if (isAway) throw new TypeError("fetch failed");
    return await globalThis.fetch(input, init);
  };
  const filter = { user_id: "late" };
  const make = async () => (await client.projects.create({ requirement: "r", ...filter })).project_id;
  const failed = new Live(createClient({ url: api.url, fetch })).list(filter);
  const leave = failed.subscribe(nothing);
  await expect.poll(() => failed.read().status).toBe("failed");
  isAway = false;
  await expect.poll(() => failed.read()).toMatchObject({ status: "ready", value: [] });
  leave();

  let open: () => void = nothing;
  opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  const early = new Live(createClient({ url: api.url, fetch })).list(filter);
  early.subscribe(nothing);
  await expect.poll(() => early.read()).toMatchObject({ status: "ready", value: [] });
  const project_id = await make();
  open();
  await expect.poll(() => early.read().value?.map((one) => one.project_id)).toEqual([project_id]);
});

test("a log grows with its stage, begins again with an attempt, and says when it is over", async () => {
  const { live, program } = setUp();
  const { project_id, report } = await program();
  const log = logOf(live, project_id, "one");
  log.subscribe(nothing);
  const lines = () => log.read().value?.lines;
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["a"] });
  await expect.poll(() => lines()).toEqual(["a"]);
  const many = Array.from({ length: 900 }, (_, i) => `line ${i}`);
  await report({ event: "log", stage: "one", lines: many });
  await expect.poll(() => lines()).toEqual(["a", ...many]);
  await report({ event: "failed", stage: "one", message: "no", retry_in_seconds: 0 });
  const first = logOf(live, project_id, "one", 1);
  first.subscribe(nothing);
  await expect.poll(() => first.read().value).toMatchObject({ ended: true, lines: { length: 901 } });
  expect(log.read().status).toBe("ready");
});

test("lines of two logs come over the one stream of all, without a request for each, and none is lost", async () => {
  const { live, open, program, requests } = setUp();
  const [first, second] = [await program(), await program()];
  const logs = [first, second].map(({ project_id }) => logOf(live, project_id, "one"));
  for (const log of logs) log.subscribe(nothing);
  for (const { report } of [first, second]) await report({ event: "started", stage: "one" });
  await expect.poll(() => logs.map((log) => log.read().status)).toEqual(["ready", "ready"]);
  await expect.poll(() => decodeURIComponent(open()[0]?.url ?? "").split('"cursor"')).toHaveLength(3);
  await expect.poll(() => open()).toHaveLength(1);
  const before = requests("stages.logs");
  const said: string[] = [];
  for (let n = 0; n < 30; n++) {
    said.push(`line ${n}`);
    for (const { report } of [first, second])
      await report({ event: "log", stage: "one", lines: [`line ${n}`] });
  }
  for (const log of logs) await expect.poll(() => log.read().value?.lines).toEqual(said);
  expect(requests("stages.logs")).toBe(before);
  expect(open()).toHaveLength(1);
});

test("more logs than one stream has room for are shown too", async () => {
  const { live, program } = setUp();
  const programs = await Promise.all(Array.from({ length: 10 }, () => program()));
  const logs = programs.map(({ project_id }) => logOf(live, project_id, "one"));
  for (const log of logs) log.subscribe(nothing);
  for (const { report } of programs) await report({ event: "started", stage: "one" });
  for (const line of ["a", "b"]) {
    for (const { report } of programs) await report({ event: "log", stage: "one", lines: [line] });
    await expect.poll(() => logs.map((log) => log.read().value?.lines.at(-1))).toEqual(logs.map(() => line));
  }
});

test("a log shows lines as they look: pieces are one, and what is rewritten is what it is last", async () => {
  const { live, program } = setUp();
  const { project_id, report } = await program();
  const log = logOf(live, project_id, "one");
  log.subscribe(nothing);
  const shows = async (...lines: string[]) => await expect.poll(() => log.read().value?.lines).toEqual(lines);
  const say = (...lines: { text: string; stream: "stdout" | "stderr"; end?: "" | "\r" }[]) =>
    report({ event: "log", stage: "one", lines });
  await report({ event: "started", stage: "one" });
  await say({ text: "first", stream: "stdout" }, { text: "Name? ", stream: "stderr", end: "" });
  await shows("first", "Name? ");
  await say({ text: "10 %", stream: "stdout", end: "\r" }, { text: "Ada", stream: "stderr" });
  await shows("first", "Name? Ada", "10 %");
  await say({ text: "20 %", stream: "stdout", end: "\r" });
  await shows("first", "Name? Ada", "20 %");
  await report({ event: "failed", stage: "one", message: "no" });
  await expect.poll(() => log.read().value?.ended).toBe(true);
  await shows("first", "Name? Ada", "20 %");
});

test("artifacts come with the stages that record them, page by page", async () => {
  const { live, program } = setUp();
  const { project_id, report } = await program();
  const all = artifactsOf(live, project_id);
  const some = artifactsOf(live, project_id, "two");
  for (const entry of [all, some]) entry.subscribe(nothing);
  await expect.poll(() => all.read().value).toEqual([]);
  const artifacts = Array.from({ length: 140 }, (_, i) => ({ path: `f${i}` }));
  await report({ event: "started", stage: "one" }, { event: "artifacts", stage: "one", artifacts });
  await expect.poll(() => all.read().value).toHaveLength(140);
  await report({ event: "completed", stage: "one" }, { event: "started", stage: "two" });
  await report({ event: "artifacts", stage: "two", artifacts: [{ path: "g" }] });
  await expect.poll(() => some.read().value?.map(({ path }) => path)).toEqual(["g"]);
  await expect.poll(() => all.read().value).toHaveLength(141);
});

test("more builds than one stream has room for are shown too", async () => {
  const { client, live } = setUp();
  const ids: string[] = [];
  for (let i = 0; i < 53; i++) ids.push((await client.projects.create({ requirement: `r${i}` })).project_id);
  const last = ids.sort().pop() ?? "";
  for (const id of ids) live.project(id).subscribe(nothing);
  const statuses = () => ids.map((id) => live.project(id).read().value?.status);
  await expect.poll(() => statuses()).toEqual(ids.map(() => "queued"));
  // It comes when the stream is full, and makes no other one.
  ids.push(last);
  live.project(last).subscribe(nothing);
  await expect.poll(() => statuses()).toEqual(ids.map(() => "queued"));
  for (const project_id of ids) await client.projects.cancel({ project_id });
  await expect.poll(() => statuses()).toEqual(ids.map(() => "cancelled"));
});

test("the token is asked for anew with each request, so that one that was refreshed is sent", async () => {
  const sent: (string | undefined)[] = [];
  let token = 0;
  const fetch: Fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    sent.push(headers.get("authorization") ?? undefined);
    return globalThis.fetch(input, init);
  };
  const client = createClient({ url: api.url, fetch, key: async () => `token-${++token}` });
  await client.system.info();
  const live = new Live(client);
  const list = live.list({});
  list.subscribe(nothing);
  await expect.poll(() => live.readConnection()).toBe("online");
  expect(sent).toEqual(["Bearer token-1", "Bearer token-2", "Bearer token-3"]);
});
