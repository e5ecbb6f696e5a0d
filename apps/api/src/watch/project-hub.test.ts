import { setTimeout as sleep } from "node:timers/promises";
import { StagefoldError } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../../test/counting-store.ts";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Reading } from "../../test/reading.ts";
import { refusal } from "../../test/refusal.ts";
import { eventIdOf, ProjectHub } from "./project-hub.ts";

async function setUp(onError?: (error: unknown) => void) {
  const store = new CountingStore();
  const deps = memoryDeps(store);
  const hub = new ProjectHub({ ...deps, onError });
  const { project_id } = await callerOf(deps).projects.create({ requirement: "x" });
  const open = (after?: string) => new Reading((signal) => hub.watch(project_id, { after, signal }));
  /** The same table, as another process has it. */
  const elsewhere = memoryDeps(store).repository;
  const idNow = async () => eventIdOf(await elsewhere.get(project_id));
  return { ...deps, store, hub, project_id, open, elsewhere, idNow };
}

describe("watching a project", () => {
  it("gives the project at once and every change of this process", async () => {
    const { repository, project_id, open } = await setUp();
    const reading = open();
    expect(await reading.next()).toMatchObject({ project_id, revision: 1 });
    await repository.control.pause(project_id);
    expect(await reading.next()).toMatchObject({ status: "paused", revision: 2 });
    await reading.stop();
  });

  it("gives what another process wrote", async () => {
    const { elsewhere, project_id, open } = await setUp();
    const reading = open();
    await reading.next();
    await elsewhere.control.pause(project_id);
    expect(await reading.next()).toMatchObject({ status: "paused" });
    await reading.stop();
  });

  it("begins with the next revision for a reader that knows the present one", async () => {
    const { repository, project_id, open, idNow } = await setUp();
    const first = await idNow();
    const reading = open(first);
    const next = reading.next();
    await sleep(50);
    await repository.control.pause(project_id);
    expect(await next).toMatchObject({ revision: 2 });
    const behind = open(first);
    expect(await behind.next()).toMatchObject({ revision: 2 });
    await Promise.all([reading.stop(), behind.stop()]);
  });

  it("does not take a reader back that has seen more elsewhere", async () => {
    const { repository, feed, elsewhere, project_id, idNow } = await setUp();
    const deaf = {
      watchRows: feed.watchRows,
      watchWork: feed.watchWork,
      watchProject: () => () => undefined,
    };
    const hub = new ProjectHub({ repository, feed: deaf });
    const open = (after?: string) => new Reading((signal) => hub.watch(project_id, { after, signal }));
    const first = open();
    await first.next();
    await elsewhere.control.pause(project_id);
    const seen = await idNow();
    await elsewhere.control.resume(project_id);
    const ahead = open(seen);
    expect(await ahead.next()).toMatchObject({ revision: 3 });
    await Promise.all([first.stop(), ahead.stop()]);
  });

  it("L15: a project that was deleted and made again at the same revision is sent to a reader that comes back", async () => {
    const { repository, clock, hub } = await setUp();
    const input = { requirement: "x", user_id: "u", idempotency_key: "k" };
    const plan = { stages: [{ stage: "one" }] };
    const { project_id } = await repository.control.create(input, plan);
    const open = (after?: string) => new Reading((signal) => hub.watch(project_id, { after, signal }));
    const reading = open();
    const before = await reading.next();
    await reading.stop();
    await repository.control.delete(project_id);
    clock.pass(5);
    const again = await repository.control.create(input, plan);
    expect([again.project_id, again.revision]).toEqual([project_id, before.revision]);
    for (const after of [eventIdOf(before), String(before.revision)]) {
      const back = open(after);
      expect(await back.next()).toMatchObject({ created_at: again.created_at, revision: 1 });
      await back.stop();
    }
  });

  it("ends with PROJECT_NOT_FOUND when the project is deleted, here or elsewhere, or was never there", async () => {
    for (const where of ["repository", "elsewhere"] as const) {
      const all = await setUp();
      const reading = all.open();
      await reading.next();
      await all[where].control.delete(all.project_id);
      expect(await refusal(reading.next())).toMatchObject({ code: "PROJECT_NOT_FOUND" });
      expect(all.hub.open).toEqual({ watches: 0, projects: 0 });
      expect(await refusal(all.open().next())).toMatchObject({ code: "PROJECT_NOT_FOUND" });
    }
  });

  it("costs the store for a thousand readers what it costs for one, and nothing when they are gone", async () => {
    const { store, hub, open, elsewhere, project_id } = await setUp();
    store.gets = 0;
    const readings = Array.from({ length: 1000 }, () => open());
    await Promise.all(readings.map((reading) => reading.next()));
    expect(store.gets).toBe(1);
    expect(hub.open).toEqual({ watches: 1000, projects: 1 });
    await elsewhere.control.pause(project_id);
    const seen = await Promise.all(readings.map((reading) => reading.next()));
    expect(seen.every((project) => project.revision === 2)).toBe(true);
    await Promise.all(readings.map((reading) => reading.stop()));
    expect(hub.open).toEqual({ watches: 0, projects: 0 });
    const before = store.gets;
    await sleep(50);
    expect(store.gets).toBe(before);
  });

  it("keeps the newest state alone for a reader that is slow", async () => {
    const { repository, project_id, open } = await setUp();
    const reading = open();
    await reading.next();
    for (let i = 0; i < 20; i++) {
      await repository.control.pause(project_id);
      await repository.control.resume(project_id);
    }
    expect(await reading.next()).toMatchObject({ revision: 41 });
    await reading.stop();
  });

  it("survives a store that does not answer when a project may have been deleted", async () => {
    const errors: unknown[] = [];
    const { store, repository, feed, project_id } = await setUp();
    let push: (item: undefined) => void = () => undefined;
    const watched = { watchRows: feed.watchRows, watchWork: feed.watchWork };
    const hub = new ProjectHub({
      repository,
      feed: {
        ...watched,
        watchProject: (_id, listener) => {
          push = listener;
          return () => undefined;
        },
      },
      onError: (error) => errors.push(error),
    });
    const reading = new Reading((signal) => hub.watch(project_id, { signal }));
    await reading.next();
    const { get } = store;
    store.get = () => Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "down", { retry_after: 1 }));
    push(undefined);
    await sleep(20);
    store.get = get;
    await repository.control.pause(project_id);
    expect(await reading.next()).toMatchObject({ status: "paused" });
    expect(errors).toHaveLength(1);
    await reading.stop();
  });
});
