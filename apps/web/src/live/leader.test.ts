import { expect, test, vi } from "vitest";
import type { LiveEvent } from "./events.ts";
import { ownInterest, until } from "./interest.ts";
import { Leader } from "./leader.ts";

interface Stream {
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  readonly tell: (event: LiveEvent) => void;
}

function setUp(takesOver = false) {
  const interest = ownInterest();
  const streams: Stream[] = [];
  const told: LiveEvent[] = [];
  const leader = new Leader({
    interest,
    follow: (ids, signal, tell) => {
      streams.push({ ids, signal, tell });
      return until(signal);
    },
    tell: (event) => told.push(event),
    takesOver,
  });
  const open = () => streams.filter(({ signal }) => !signal.aborted).map(({ ids }) => ids.join());
  return { interest, streams, told, leader, open };
}
const online: LiveEvent = { kind: "connection", connection: "online" };
const lost: LiveEvent = { kind: "connection", connection: "lost" };
const reset: LiveEvent = { kind: "change", change: { kind: "reset" } };

test("there is one stream, for all that anybody looks at; the next is there before the last one ends", async () => {
  const { interest, streams, leader, open } = setUp();
  await vi.waitFor(() => expect(open()).toEqual([""]));
  streams[0]?.tell(online);
  const release = interest.hold("proj_1", () => leader.lookSoon());
  await vi.waitFor(() => expect(open()).toEqual(["", "proj_1"]));
  streams[1]?.tell(online);
  expect(open()).toEqual(["proj_1"]);
  // The same again is no other stream.
  interest.hold("proj_1", () => leader.lookSoon());
  release();
  leader.lookSoon();
  await new Promise((next) => setTimeout(next, 100));
  expect(streams).toHaveLength(2);
  leader.end();
  expect(open()).toEqual([]);
});

test("all hear what the stream says, and once each how it stands", async () => {
  const { streams, told, leader } = setUp();
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  const change: LiveEvent = { kind: "change", change: { kind: "removed", project_id: "proj_1" } };
  for (const event of [online, online, change, lost, lost, online]) streams[0]?.tell(event);
  expect(told).toEqual([online, change, lost, online]);
  expect(leader.connection).toBe("online");
  leader.end();
  streams[0]?.tell(lost);
  expect(told).toHaveLength(4);
});

test("one that takes over has everything read again, once: nobody listened meanwhile", async () => {
  const { streams, told, leader, interest } = setUp(true);
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  for (const event of [online, lost, online]) streams[0]?.tell(event);
  expect(told).toEqual([online, reset, lost, online]);
  interest.hold("proj_1", () => leader.lookSoon());
  await vi.waitFor(() => expect(streams).toHaveLength(2));
  streams[1]?.tell(online);
  expect(told).toHaveLength(4);
  leader.end();
});
