import { expect, test } from "vitest";
import type { Project, StagefoldClient } from "../lib/api.ts";
import { nameOfLog, ownInterest, until } from "./interest.ts";
import { Leader, type LiveEvent } from "./leader.ts";

interface Stream {
  readonly ids: readonly string[];
  readonly logs: readonly object[];
  readonly signal: AbortSignal;
  /** What the watch of the client then does. */
  readonly tell: (event: LiveEvent) => Promise<void>;
}

function setUp(takesOver = false) {
  const interest = ownInterest();
  const streams: Stream[] = [];
  const told: LiveEvent[] = [];
  const cursors = new Map<string, string>();
  const watchMany: StagefoldClient["projects"]["watchMany"] = async function* (input, options) {
    const { signal = new AbortController().signal, onConnection } = options ?? {};
    const waiting: Extract<LiveEvent, { kind: "change" }>["change"][] = [];
    const tell = async (event: LiveEvent) => {
      if (event.kind === "change") waiting.push(event.change);
      else if (event.kind === "connection")
        onConnection?.(event.connection === "online" ? "connected" : "lost");
      await expect.poll(() => waiting).toEqual([]);
    };
    streams.push({ ids: input?.project_ids ?? [], logs: input?.logs ?? [], signal, tell });
    const ended = until(signal);
    while (!signal.aborted) {
      yield* waiting.splice(0);
      await Promise.race([ended, new Promise((next) => setTimeout(next, 5))]);
    }
  };
  const leader = new Leader({ interest, watchMany, emit: (event) => told.push(event), cursors, takesOver });
  const open = () => streams.filter(({ signal }) => !signal.aborted).map(({ ids }) => ids.join());
  return { interest, streams, told, cursors, leader, open };
}
const online: LiveEvent = { kind: "connection", connection: "online" };
const lost: LiveEvent = { kind: "connection", connection: "lost" };
const reset: LiveEvent = { kind: "change", change: { kind: "reset" } };

test("there is one stream, for all that anybody looks at; the next is there before the last one ends", async () => {
  const { interest, streams, leader, open } = setUp();
  await expect.poll(() => open()).toEqual([""]);
  await streams[0]?.tell(online);
  const release = interest.hold("proj_1", () => leader.pollSoon());
  await expect.poll(() => open()).toEqual(["", "proj_1"]);
  await streams[1]?.tell(online);
  expect(open()).toEqual(["proj_1"]);
  // The same again is no other stream.
  interest.hold("proj_1", () => leader.pollSoon());
  release();
  leader.pollSoon();
  await new Promise((next) => setTimeout(next, 100));
  expect(streams).toHaveLength(2);
  leader.end();
  expect(open()).toEqual([]);
});

test("all hear what the stream says, and once each how it stands", async () => {
  const { streams, told, leader } = setUp();
  await expect.poll(() => streams).toHaveLength(1);
  const change: LiveEvent = { kind: "change", change: { kind: "removed", project_id: "proj_1" } };
  for (const event of [online, online, change, lost, lost, online]) await streams[0]?.tell(event);
  expect(told).toEqual([online, change, lost, online]);
  expect(leader.connection).toBe("online");
  leader.end();
  await streams[0]?.tell(lost);
  expect(told).toHaveLength(4);
});

test("one that takes over has everything read again, once: nobody listened meanwhile", async () => {
  const { streams, told, leader, interest } = setUp(true);
  await expect.poll(() => streams).toHaveLength(1);
  for (const event of [online, lost, online]) await streams[0]?.tell(event);
  expect(told).toEqual([online, reset, lost, online]);
  interest.hold("proj_1", () => leader.pollSoon());
  await expect.poll(() => streams).toHaveLength(2);
  await streams[1]?.tell(online);
  expect(told).toHaveLength(4);
  leader.end();
});

test("S2: what is refused is not asked again before the next poll, and 50 projects are watched at most", async () => {
  const interest = ownInterest();
  const asked: (readonly string[])[] = [];
  const told: LiveEvent[] = [];
  const leader = new Leader({
    interest,
    // biome-ignore lint/correctness/useYield: it is refused before anything comes
    watchMany: async function* (input) {
      asked.push(input?.project_ids ?? []);
      throw new Error("refused");
    },
    emit: (event) => told.push(event),
    cursors: new Map(),
    takesOver: false,
  });
  for (let i = 0; i < 60; i++) interest.hold(`proj_${i}`, () => leader.pollSoon());
  await expect.poll(() => asked.at(-1)).toHaveLength(50);
  const before = asked.length;
  await new Promise((next) => setTimeout(next, 500));
  expect(asked).toHaveLength(before);
  // Not only that there is no connection: the reader may have to sign in, also where there was none before.
  expect(told.filter(({ kind }) => kind === "connection")).toEqual([lost]);
  expect(told.filter(({ kind }) => kind === "refused")).toHaveLength(asked.length);
  leader.end();
});

test("logs come over the same stream, from where the last one was, and those without room are announced", async () => {
  const { interest, streams, told, cursors, leader } = setUp();
  const log = { project_id: "proj_1", stage: "one", attempt: 1, cursor: "a" };
  const hold = (more: object) => interest.hold(nameOfLog({ ...log, ...more }), () => leader.pollSoon());
  hold({});
  await expect.poll(() => streams.at(-1)?.logs).toEqual([log]);
  // Another tab that looks at the same log is no other stream.
  hold({ cursor: "b" });
  leader.pollSoon();
  await new Promise((next) => setTimeout(next, 100));
  expect(streams.filter(({ logs }) => logs.length > 0)).toHaveLength(1);
  cursors.set("proj_1 one 1", "c").set("proj_1 gone 1", "x");
  for (let i = 1; i <= 8; i++) hold({ stage: `z${i}` });
  await expect.poll(() => streams.at(-1)?.logs).toHaveLength(8);
  expect(streams.at(-1)?.logs[0]).toEqual({ ...log, cursor: "c" });
  expect([...cursors.keys()]).toEqual(["proj_1 one 1"]);
  const project = { project_id: "proj_1" } as Project;
  await streams.at(-1)?.tell({ kind: "change", change: { kind: "project", project } });
  const left = { kind: "log", project_id: "proj_1", stage: "z8", attempt: 1, lines: [], from: null };
  expect(told.at(-1)).toMatchObject({ kind: "change", change: left });
  leader.end();
});
