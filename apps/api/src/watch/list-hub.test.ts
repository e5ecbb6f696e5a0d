import { setTimeout as sleep } from "node:timers/promises";
import type { RowChange } from "@stagefold/core";
import { describe, expect, it, vi } from "vitest";
import { CountingStore } from "../../test/counting-store.ts";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Reading } from "../../test/reading.ts";
import { type ListFilter, ListHub } from "./list-hub.ts";

function setUp() {
  const store = new CountingStore();
  const deps = memoryDeps(store);
  const hub = new ListHub(deps);
  const open = (filter: ListFilter = {}, after?: string) =>
    new Reading((signal) => hub.watch(filter, { after, signal }));
  const elsewhere = callerOf(memoryDeps(store)).projects;
  return { store, feed: deps.feed, hub, open, here: callerOf(deps).projects, elsewhere };
}

/** Time for the watch to begin. */
const settle = () => sleep(5);

describe("watching a list", () => {
  it("gives what this process changes, and what another does", async () => {
    const { open, here, elsewhere } = setUp();
    const reading = open();
    const first = reading.next();
    await settle();
    const mine = await here.create({ requirement: "mine" });
    expect(await first).toMatchObject({
      change: { kind: "changed", project: { project_id: mine.project_id } },
    });
    const theirs = await elsewhere.create({ requirement: "theirs" });
    expect(await reading.next()).toMatchObject({
      change: { kind: "changed", project: { project_id: theirs.project_id, status: "queued" } },
    });
    await elsewhere.cancel({ project_id: theirs.project_id });
    expect(await reading.next()).toMatchObject({
      change: { kind: "changed", project: { status: "cancelled" } },
    });
    await elsewhere.delete({ project_id: theirs.project_id });
    expect(await reading.next()).toMatchObject({
      change: { kind: "removed", project_id: theirs.project_id },
    });
    await here.delete({ project_id: mine.project_id });
    expect(await reading.next()).toMatchObject({ change: { kind: "removed", project_id: mine.project_id } });
    await reading.stop();
  });

  it("tells of the projects that pass the filter, and when one passes it no longer", async () => {
    const { open, here } = setUp();
    const reading = open({ user_id: "ann", status: "queued" });
    const first = reading.next();
    await settle();
    await here.create({ requirement: "x", user_id: "bob" });
    const { project_id } = await here.create({ requirement: "x", user_id: "ann" });
    expect(await first).toMatchObject({
      change: { kind: "changed", project: { project_id, user_id: "ann" } },
    });
    await here.pause({ project_id });
    expect(await reading.next()).toMatchObject({ change: { kind: "removed", project_id } });
    await here.resume({ project_id });
    expect(await reading.next()).toMatchObject({
      change: { kind: "changed", project: { status: "queued" } },
    });
    await reading.stop();
  });

  it("continues from the last event for a reader that comes back, with what happened meanwhile", async () => {
    const { hub, open, here, elsewhere } = setUp();
    const reading = open();
    const first = reading.next();
    await settle();
    const { project_id } = await here.create({ requirement: "x" });
    const { id } = await first;
    await reading.stop();
    expect(hub.open).toBe(0);
    await elsewhere.pause({ project_id });
    const other = await here.create({ requirement: "y" });
    const back = open({}, id);
    const seen = [await back.next(), await back.next()].map(({ change }) => change);
    expect(seen).toContainEqual(
      expect.objectContaining({ project: expect.objectContaining({ status: "paused" }) }),
    );
    expect(seen).toContainEqual(
      expect.objectContaining({ project: expect.objectContaining({ project_id: other.project_id }) }),
    );
    await back.stop();
  });

  it("tells a reader to read the list again when it cannot know what was missed", async () => {
    const { open } = setUp();
    for (const after of ["of-another-process", "x-1", "nonsense"]) {
      const reading = open({}, after);
      expect((await reading.next()).change).toEqual({ kind: "reset" });
      await reading.stop();
    }
  });

  it("has one subscription for all readers, and reads nothing", async () => {
    const { store, hub, open, here, feed } = setUp();
    const subscribed = vi.spyOn(feed, "watchRows");
    const readings = Array.from({ length: 200 }, () => open());
    const firsts = readings.map((reading) => reading.next());
    await settle();
    expect(hub.open).toBe(200);
    expect(subscribed).toHaveBeenCalledTimes(1);
    await here.create({ requirement: "x" });
    expect(await Promise.all(firsts)).toHaveLength(200);
    await Promise.all(readings.map((reading) => reading.stop()));
    expect(hub.open).toBe(0);
    expect(store.reads).toBe(0);
  });

  it("keeps the newest change of each project alone for a slow reader, and says when there were too many", async () => {
    const { open, here } = setUp();
    const reading = open();
    const first = reading.next();
    await settle();
    const { project_id } = await here.create({ requirement: "x" });
    await first;
    for (let i = 0; i < 10; i++) {
      await here.pause({ project_id });
      await here.resume({ project_id });
    }
    await here.pause({ project_id });
    expect(await reading.next()).toMatchObject({ change: { project: { status: "paused" } } });
    for (let i = 0; i < 501; i++) await here.create({ requirement: `r${i}` });
    expect((await reading.next()).change).toEqual({ kind: "reset" });
    await reading.stop();
  });

  it("L6: an older page of an index that comes late changes nothing: the higher revision wins", async () => {
    const deps = memoryDeps();
    let push: (changes: readonly RowChange[]) => void = () => undefined;
    const feed = {
      ...deps.feed,
      watchRows: (listener: typeof push) => {
        push = listener;
        return () => undefined;
      },
    };
    const hub = new ListHub({ repository: deps.repository, feed: Object.setPrototypeOf(feed, deps.feed) });
    const reading = new Reading((signal) => hub.watch({}, { signal }));
    const first = reading.next();
    await settle();
    const { projects } = callerOf(deps);
    const { project_id } = await projects.create({ requirement: "x" });
    const row = async () => ({ kind: "changed" as const, row: { ...(await deps.store.get(project_id)) } });
    const queued = await row();
    expect((await first).change).toMatchObject({ project: { status: "queued" } });
    await projects.pause({ project_id });
    expect((await reading.next()).change).toMatchObject({ project: { status: "paused" } });
    push([queued]);
    const resumed = reading.next();
    await projects.resume({ project_id });
    push([queued]);
    expect((await resumed).change).toMatchObject({ project: { status: "queued", run: 1 } });
    await projects.cancel({ project_id });
    expect((await reading.next()).change).toMatchObject({ project: { status: "cancelled" } });
    const cancelled = await row();
    await projects.delete({ project_id });
    expect((await reading.next()).change).toEqual({ kind: "removed", project_id });
    push([queued, cancelled]);
    const next = reading.next();
    const other = await projects.create({ requirement: "y" });
    expect((await next).change).toMatchObject({ project: { project_id: other.project_id } });
    await reading.stop();
  });
});
