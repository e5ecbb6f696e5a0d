import { afterEach, expect, test } from "vitest";
import { beginProgram } from "../test/program.ts";
import { memoryDeps, serve, until } from "../test/server.ts";
import {
  createClient,
  type Fetch,
  followLog,
  type LogChange,
  logKey,
  type StagefoldClient,
  StagefoldClientError,
  unreadLog,
  WATCHED,
  type WatchLog,
} from "./index.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(deps = memoryDeps(), port = 0) {
  const server = await serve(deps, port);
  closers.push(() => server.close());
  return server;
}

/** Over the stream of many, which is what pages use. */
function overMany(client: StagefoldClient): WatchLog {
  return (log, onChange) => {
    const ending = new AbortController();
    const run = async () => {
      const input = { logs: [{ ...log }] };
      for await (const change of client.projects.watchMany(input, { signal: ending.signal, patient: true }))
        if (change.kind === "log" && logKey(change) === logKey(log)) onChange(change);
    };
    void run();
    return () => ending.abort();
  };
}

/** What a reader of the log has seen, as it goes. */
function reading(client: StagefoldClient, project_id: string, watch: WatchLog, attempt = 1) {
  const ending = new AbortController();
  const seen: string[] = [];
  const states: string[] = [];
  const run = async () => {
    const log = { project_id, stage: "one", attempt };
    for await (const { lines, state } of followLog(client, log, { watch, signal: ending.signal })) {
      seen.push(...lines.map(({ text }) => text));
      if (states.at(-1) !== state) states.push(state);
    }
  };
  return { seen, states, done: run(), leave: () => ending.abort() };
}

const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

test("what is there is read by pages, what comes then is brought by the stream, over a restart of the server too", async () => {
  const deps = memoryDeps();
  const first = await start(deps);
  let pages = 0;
  const fetch: Fetch = (input, init) => {
    if (String(input).includes("stages.logs")) pages += 1;
    return globalThis.fetch(input, init);
  };
  const client = createClient({ url: first.url, fetch });
  const { project_id, report } = await beginProgram(client);
  const log = (lines: string[]) => report({ event: "log", stage: "one", lines });
  await report({ event: "started", stage: "one" });
  await log(numbered(0, 2500));
  const reader = reading(client, project_id, overMany(client));
  await until(() => reader.states.at(-1) === "following", "the end of what is there");
  expect(reader.seen).toHaveLength(2500);
  const before = pages;
  for (let n = 0; n < 20; n++) {
    await log([`line ${2500 + n}`]);
    await expect.poll(() => reader.seen, { interval: 5 }).toHaveLength(2501 + n);
  }
  expect(pages).toBe(before);
  await first.close();
  const again = await start(deps, first.port);
  expect(again.url).toBe(first.url);
  // A connection that was kept open is to the server that is gone.
  await until(() => client.system.info().then(Boolean, () => false), "an answer");
  await log(numbered(2520, 7000));
  await report({ event: "completed", stage: "one" });
  await reader.done;
  expect(reader.seen).toEqual(numbered(0, 9520));
  expect(reader.states).toEqual(["reading", "following", "over"]);
});

test.each([1, 2])(
  "whatever a stream skips, repeats or delays, each line is there once (%i)",
  async (seed) => {
    const client = createClient({ url: (await start()).url });
    const { project_id, report } = await beginProgram(client);
    await report({ event: "started", stage: "one" });
    let state = seed;
    const random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    let tell: (change: LogChange) => void = () => undefined;
    const watch: WatchLog = (log, onChange) => {
      const ending = new AbortController();
      tell = onChange;
      const run = async () => {
        const held: LogChange[] = [];
        for await (const change of client.stages.watchLogs(log, { signal: ending.signal })) {
          held.push(change);
          if (random() < 0.3) continue;
          for (const one of random() < 0.5 ? held.splice(0) : [change, ...held]) onChange(one);
          if (random() < 0.2) onChange(unreadLog(log));
        }
      };
      void run();
      return () => ending.abort();
    };
    const reader = reading(client, project_id, watch);
    for (let n = 0; n < 60; n++) {
      await report({ event: "log", stage: "one", lines: numbered(3 * n, 3) });
      if (random() < 0.3) await new Promise((next) => setTimeout(next, 5));
    }
    await report({ event: "completed", stage: "one" });
    // The stream may have kept the end to itself: one event, of whatever kind, is enough.
    await until(() => reader.seen.length > 0, "lines");
    tell(unreadLog({ project_id, stage: "one", attempt: 1 }));
    await reader.done;
    expect(reader.seen).toEqual(numbered(0, 180));
  },
);

test("a stream that ends a log which is not over does not end it: it is read until it is", async () => {
  const client = createClient({ url: (await start()).url });
  const { project_id, report } = await beginProgram(client);
  await report({ event: "started", stage: "one" });
  let tell: ((change: LogChange) => void) | undefined;
  const reader = reading(client, project_id, (_log, onChange) => {
    tell = onChange;
    return () => undefined;
  });
  await until(() => tell !== undefined, "the watch");
  tell?.({ lines: [], attempt: 1, from: null, cursor: "", over: true });
  await report({ event: "log", stage: "one", lines: ["a"] });
  await until(() => reader.seen.length === 1, "the line");
  await report({ event: "log", stage: "one", lines: ["b"] }, { event: "completed", stage: "one" });
  await reader.done;
  expect(reader.seen).toEqual(["a", "b"]);
});

test("a refusal is thrown, a server that is away is waited for, and who leaves is let go", async () => {
  const deps = memoryDeps();
  const server = await start(deps);
  const client = createClient({ url: server.url });
  const { project_id, report } = await beginProgram(client);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["a"] });
  const missing = { project_id, stage: "none", attempt: 1 };
  const { signal } = new AbortController();
  await expect(followLog(client, missing, { watch: overMany(client), signal }).next()).rejects.toBeInstanceOf(
    StagefoldClientError,
  );
  await server.close();
  const reader = reading(client, project_id, overMany(client));
  await until(() => reader.states.includes("away"), "no answer");
  const again = await start(deps, server.port);
  await until(() => reader.states.at(-1) === "following", "the log");
  expect(reader.seen).toEqual(["a"]);
  await until(async () => (await again.openWatches()) > 0, "the stream");
  reader.leave();
  await reader.done;
  await until(async () => (await again.openWatches()) === 0, "no stream");
});

test("one stream follows as many as the API allows, and no more", async () => {
  const client = createClient({ url: (await start()).url });
  const first = async (projects: number, logs: number) => {
    const ids = Array.from({ length: projects }, (_, n) => `proj_${String(n).padStart(12, "0")}`);
    const refs = ids.slice(0, logs).map((project_id) => ({ project_id, stage: "one", attempt: 1 }));
    const ending = new AbortController();
    const watch = client.projects.watchMany({ project_ids: ids, logs: refs }, { signal: ending.signal });
    const { value } = await watch.next();
    ending.abort();
    return value;
  };
  expect(await first(WATCHED.projects, WATCHED.logs)).toBeDefined();
  const refused = { code: "INVALID_INPUT" };
  await expect(first(WATCHED.projects + 1, 0)).rejects.toMatchObject(refused);
  await expect(first(WATCHED.projects, WATCHED.logs + 1)).rejects.toMatchObject(refused);
});
