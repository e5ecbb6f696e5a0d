import { setTimeout as sleep } from "node:timers/promises";
import type { Item, RowChange } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { openSqlite, type Sqlite } from "../src/index.ts";
import { aDatabase } from "./folder.ts";
import { aNewProject, createNewProject } from "./projects.ts";

const set = (project_id: string, field: string, value: unknown) => ({
  kind: "update" as const,
  transition: "report" as const,
  project_id,
  guards: [],
  edits: [
    { op: "set" as const, path: [field], value },
    { op: "add" as const, path: ["revision"], value: 1 },
  ],
});
const remove = (project_id: string) => ({
  kind: "delete" as const,
  transition: "delete" as const,
  project_id,
  guards: [],
});

/** Another connection stands for another process: SQLite tells them apart in the same way. */
async function two(): Promise<
  AsyncDisposable & { readonly here: Sqlite; readonly there: Sqlite; readonly errors: unknown[] }
> {
  const errors: unknown[] = [];
  const database = await aDatabase({ onFeedError: (error) => errors.push(error) });
  const there = await openSqlite(database.folder);
  return {
    here: database.sqlite,
    there,
    errors,
    async [Symbol.asyncDispose]() {
      there.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe("the change feed of one file", () => {
  it("tells each watcher the newest state of its project, by whichever process, then its deletion", async () => {
    await using stores = await two();
    const { here, there } = stores;
    const id = await createNewProject(here.projects);
    const other = await createNewProject(here.projects);
    const seen: (Item | undefined)[] = [];
    const stop = here.feed.watchProject(id, (item) => seen.push(item));
    await there.projects.write(set(other, "note", "not mine"));
    await there.projects.write(set(id, "note", "there"));
    await expect.poll(() => seen.at(-1)?.note).toBe("there");
    await here.projects.write(set(id, "note", "here"));
    await expect.poll(() => seen.at(-1)?.note).toBe("here");
    expect(seen.every((item) => item?.project_id === id)).toBe(true);
    await there.projects.write(remove(id));
    await expect.poll(() => seen.at(-1)).toBeUndefined();
    const before = seen.length;
    stop();
    stop();
    await createNewProject(there.projects);
    await sleep(60);
    expect(seen).toHaveLength(before);
    expect(stores.errors).toEqual([]);
  });

  it("sees another process's write within 50 ms", async () => {
    await using stores = await two();
    const { here, there } = stores;
    const id = await createNewProject(here.projects);
    let seenAt = 0;
    const stop = here.feed.watchProject(id, () => {
      seenAt = performance.now();
    });
    const waits: number[] = [];
    for (let i = 0; i < 30; i++) {
      await sleep(Math.random() * 30);
      seenAt = 0;
      const from = performance.now();
      await there.projects.write(set(id, "note", i));
      await expect.poll(() => seenAt, { interval: 1 }).toBeGreaterThan(0);
      waits.push(seenAt - from);
    }
    stop();
    expect(waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(50);
  });

  it("tells list rows when they change, not with every write, and what was deleted", async () => {
    await using stores = await two();
    const { here, there } = stores;
    const old = await createNewProject(here.projects);
    const changes: RowChange[] = [];
    const stop = here.feed.watchRows((some) => changes.push(...some));
    const id = await createNewProject(there.projects);
    await expect
      .poll(() => changes)
      .toMatchObject([{ kind: "changed", row: { project_id: id, status: "queued" } }]);
    await there.projects.write(set(old, "note", "in no list"));
    await there.projects.write(set(old, "status", "paused"));
    await expect.poll(() => changes.length).toBe(2);
    expect(changes[1]).toMatchObject({
      kind: "changed",
      row: { project_id: old, status: "paused", revision: 3 },
    });
    await there.projects.write(remove(id));
    await here.projects.write(remove(old));
    await expect.poll(() => changes.length).toBe(4);
    expect(changes.slice(2)).toEqual([
      { kind: "deleted", project_id: id },
      { kind: "deleted", project_id: old },
    ]);
    stop();
  });

  it("a project that is deleted and made again is one that is there", async () => {
    await using stores = await two();
    const { here, there } = stores;
    const item = aNewProject();
    const put = {
      kind: "put" as const,
      transition: "create" as const,
      project_id: item.project_id,
      guards: [],
      item,
    };
    await here.projects.write(put);
    const changes: RowChange[] = [];
    const seen: (Item | undefined)[] = [];
    const stops = [
      here.feed.watchRows((some) => changes.push(...some)),
      here.feed.watchProject(item.project_id, (one) => seen.push(one)),
    ];
    await there.projects.write(remove(item.project_id));
    await there.projects.write(put);
    await expect.poll(() => seen.at(-1)).toEqual(item);
    expect(changes.at(-1)).toMatchObject({ kind: "changed", row: { project_id: item.project_id } });
    for (const stop of stops) stop();
  });

  it("wakes for work that is due, and for none that is not", async () => {
    await using stores = await two();
    const { here, there } = stores;
    let woken = 0;
    const stop = here.feed.watchWork(() => {
      woken += 1;
    });
    await createNewProject(there.projects, {}, new Date(Date.now() + 3_600_000).toISOString());
    const idle = await createNewProject(there.projects, { work_queue: undefined });
    await sleep(100);
    expect(woken).toBe(0);
    await there.projects.write(set(idle, "work_queue", "agent_builds#p3#00"));
    await expect.poll(() => woken).toBe(1);
    await createNewProject(here.projects, {}, new Date().toISOString());
    await expect.poll(() => woken).toBe(2);
    stop();
  });

  it("reports a listener that throws and continues with the others", async () => {
    await using stores = await two();
    const { here, there, errors } = stores;
    const id = await createNewProject(here.projects);
    const seen: unknown[] = [];
    here.feed.watchProject(id, () => {
      throw new Error("mine");
    });
    here.feed.watchProject(id, (item) => seen.push(item?.note));
    await there.projects.write(set(id, "note", 1));
    await expect.poll(() => seen).toEqual([1]);
    await there.projects.write(set(id, "note", 2));
    await expect.poll(() => seen).toEqual([1, 2]);
    expect(errors).toEqual([new Error("mine"), new Error("mine")]);
  });
});
