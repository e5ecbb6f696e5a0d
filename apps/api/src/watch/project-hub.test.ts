import { setTimeout as sleep } from "node:timers/promises";
import { StagefoldError } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../../test/counting-store.ts";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Reading } from "../../test/reading.ts";
import { refusal } from "../../test/refusal.ts";
import { ProjectHub } from "./project-hub.ts";

async function setUp(options: ConstructorParameters<typeof ProjectHub>[1] = {}) {
  const store = new CountingStore();
  const deps = memoryDeps(store);
  const hub = new ProjectHub(deps.repository, options);
  const { project_id } = await callerOf(deps).projects.create({ requirement: "x" });
  const open = (after?: number) => new Reading((signal) => hub.watch(project_id, { after, signal }));
  /** The same table, as another process has it. */
  const elsewhere = memoryDeps(store).repository;
  return { store, repository: deps.repository, hub, project_id, open, elsewhere };
}

describe("watching a project", () => {
  it("gives the project at once and every change of this process without a poll", async () => {
    const { repository, project_id, open } = await setUp({ projectPollMs: 60_000 });
    const reading = open();
    expect(await reading.next()).toMatchObject({ project_id, revision: 1 });
    await repository.control.pause(project_id);
    expect(await reading.next()).toMatchObject({ status: "paused", revision: 2 });
    await reading.stop();
  });

  it("gives what another process wrote within a second", async () => {
    const { elsewhere, project_id, open } = await setUp();
    const reading = open();
    await reading.next();
    await elsewhere.control.pause(project_id);
    expect(await reading.next(1000)).toMatchObject({ status: "paused" });
    await reading.stop();
  });

  it("begins with the next revision for a reader that knows the present one", async () => {
    const { repository, project_id, open } = await setUp();
    const reading = open(1);
    const next = reading.next();
    await sleep(50);
    await repository.control.pause(project_id);
    expect(await next).toMatchObject({ revision: 2 });
    const behind = open(1);
    expect(await behind.next()).toMatchObject({ revision: 2 });
    await Promise.all([reading.stop(), behind.stop()]);
  });

  it("does not take a reader back that has seen more elsewhere", async () => {
    const { elsewhere, project_id, open } = await setUp({ projectPollMs: 60_000 });
    const first = open();
    await first.next();
    await elsewhere.control.pause(project_id);
    await elsewhere.control.resume(project_id);
    const ahead = open(2);
    expect(await ahead.next()).toMatchObject({ revision: 3 });
    await Promise.all([first.stop(), ahead.stop()]);
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
    const { store, hub, open, elsewhere, project_id } = await setUp({ projectPollMs: 100 });
    store.gets = 0;
    const readings = Array.from({ length: 1000 }, () => open());
    await Promise.all(readings.map((reading) => reading.next()));
    expect(store.gets).toBe(1);
    expect(hub.open).toEqual({ watches: 1000, projects: 1 });
    await sleep(1000);
    expect(store.gets).toBeLessThanOrEqual(11);
    await elsewhere.control.pause(project_id);
    const seen = await Promise.all(readings.map((reading) => reading.next()));
    expect(seen.every((project) => project.revision === 2)).toBe(true);
    await Promise.all(readings.map((reading) => reading.stop()));
    expect(hub.open).toEqual({ watches: 0, projects: 0 });
    const before = store.reads;
    await sleep(300);
    expect(store.reads).toBe(before);
  });

  it("keeps the newest state alone for a reader that is slow", async () => {
    const { repository, project_id, open } = await setUp({ projectPollMs: 60_000 });
    const reading = open();
    await reading.next();
    for (let i = 0; i < 20; i++) {
      await repository.control.pause(project_id);
      await repository.control.resume(project_id);
    }
    expect(await reading.next()).toMatchObject({ revision: 41 });
    await reading.stop();
  });

  it("survives a store that does not answer for a while", async () => {
    const errors: unknown[] = [];
    const { store, open, elsewhere, project_id } = await setUp({
      projectPollMs: 30,
      onError: (error) => errors.push(error),
    });
    const reading = open();
    await reading.next();
    await elsewhere.control.pause(project_id);
    const { get } = store;
    store.get = () => Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "down", { retry_after: 1 }));
    await sleep(150);
    store.get = get;
    expect(await reading.next()).toMatchObject({ status: "paused" });
    expect(errors.length).toBeGreaterThan(0);
    await reading.stop();
  });
});
