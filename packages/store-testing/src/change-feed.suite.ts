import { setTimeout as sleep } from "node:timers/promises";
import {
  type ChangeFeed,
  type Item,
  newProjectId,
  type ProjectStore,
  type RowChange,
  toTime,
} from "@stagefold/core";
import { aProject } from "@stagefold/core/testing";
import { describe, expect, it } from "vitest";

/** A feed, the store of its own process, and that of another one on the same data. */
export interface FeedUnderTest extends AsyncDisposable {
  readonly feed: ChangeFeed;
  readonly here: ProjectStore;
  readonly elsewhere: ProjectStore;
  /** What the feed gave to its `onError`. */
  readonly errors: readonly unknown[];
}

export interface ChangeFeedSuiteOptions {
  /** A feed that cannot tell of work at no cost never does. */
  readonly tellsWork: boolean;
  /** Within so many milliseconds a change by another process arrives. */
  readonly withinMs: number;
}

/** What every change feed must do. */
export function changeFeedSuite(
  name: string,
  open: () => Promise<FeedUnderTest>,
  { tellsWork, withinMs }: ChangeFeedSuiteOptions,
): void {
  const timeout = 10 * withinMs + 3000;
  const eventually = (read: () => unknown) => expect.poll(read, { timeout, interval: 5 });

  async function create(store: ProjectStore, given: object = {}, id = newProjectId()): Promise<string> {
    const item: Item = { ...aProject({ project_id: id }, toTime(Date.now())), ...given };
    await store.write({ kind: "put", transition: "create", project_id: id, guards: [], item });
    return id;
  }
  async function set(store: ProjectStore, project_id: string, field: string, value: unknown): Promise<void> {
    const edits = [
      { op: "set", path: [field], value },
      { op: "add", path: ["revision"], value: 1 },
    ] as const;
    const written = await store.write({
      kind: "update",
      transition: "report",
      project_id,
      guards: [],
      edits,
    });
    expect(written.ok).toBe(true);
  }
  const remove = (store: ProjectStore, project_id: string) =>
    store.write({ kind: "delete", transition: "delete", project_id, guards: [] });

  describe(`change feed: ${name}`, () => {
    it("gives each watcher the newest state of its project, by whichever process, then its deletion", async () => {
      await using under = await open();
      const { feed, here, elsewhere } = under;
      const [id, other] = [await create(here), await create(here)];
      const seen: (Item | undefined)[] = [];
      const stop = feed.watchProject(id, (item) => seen.push(item));
      await set(elsewhere, other, "note", "of another");
      await set(elsewhere, id, "note", "elsewhere");
      await eventually(() => seen.at(-1)?.note).toBe("elsewhere");
      await set(here, id, "note", "here");
      await eventually(() => seen.at(-1)?.note).toBe("here");
      expect(seen.every((item) => item?.project_id === id)).toBe(true);
      const revisions = seen.map((item) => Number(item?.revision));
      expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
      await remove(elsewhere, id);
      await eventually(() => seen.at(-1)).toBeUndefined();
      const before = seen.length;
      stop();
      stop();
      await create(elsewhere, {}, id);
      await sleep(2 * withinMs);
      expect(seen).toHaveLength(before);
      expect(under.errors).toEqual([]);
    });

    it("gives a project that was deleted and made again at the same revision", async () => {
      await using under = await open();
      const { feed, here, elsewhere } = under;
      const id = await create(here);
      const seen: (Item | undefined)[] = [];
      const stop = feed.watchProject(id, (item) => seen.push(item));
      await set(elsewhere, id, "note", "first life");
      await eventually(() => seen.at(-1)?.note).toBe("first life");
      await remove(elsewhere, id);
      await sleep(2);
      await create(elsewhere, { note: "second life", revision: 2 }, id);
      await eventually(() => seen.at(-1)?.note).toBe("second life");
      stop();
    });

    it("gives the rows of lists that changed, with their revision, and what was deleted", async () => {
      await using under = await open();
      const { feed, here, elsewhere } = under;
      const old = await create(here);
      const changes: RowChange[] = [];
      const stop = feed.watchRows((some) => changes.push(...some));
      await sleep(withinMs);
      const id = await create(elsewhere);
      const last = (of: string) =>
        changes.findLast((one) => (one.kind === "deleted" ? one.project_id : one.row.project_id) === of);
      await eventually(() => last(id)).toMatchObject({
        kind: "changed",
        row: { status: "queued", revision: 1 },
      });
      await set(elsewhere, old, "status", "paused");
      await eventually(() => last(old)).toMatchObject({
        kind: "changed",
        row: { status: "paused", revision: 2 },
      });
      expect(last(old)).not.toHaveProperty("row.stages_snapshot");
      await remove(elsewhere, id);
      await remove(here, old);
      await eventually(() => last(id)).toEqual({ kind: "deleted", project_id: id });
      await eventually(() => last(old)).toEqual({ kind: "deleted", project_id: old });
      const count = changes.length;
      stop();
      stop();
      await create(elsewhere);
      await sleep(2 * withinMs);
      expect(changes).toHaveLength(count);
      expect(under.errors).toEqual([]);
    });

    it("serves several subscribers, each until it leaves", async () => {
      await using under = await open();
      const { feed, here, elsewhere } = under;
      const id = await create(here);
      const seen: unknown[][] = [[], [], []];
      const stops = seen.map((notes) => feed.watchProject(id, (item) => notes.push(item?.note)));
      await set(elsewhere, id, "note", 1);
      for (const notes of seen) await eventually(() => notes.at(-1)).toBe(1);
      stops[0]?.();
      await set(elsewhere, id, "note", 2);
      for (const notes of seen.slice(1)) await eventually(() => notes.at(-1)).toBe(2);
      expect(seen[0]?.at(-1)).toBe(1);
      for (const stop of stops) stop();
      // A new subscription after the last one left sees later states again.
      const again: unknown[] = [];
      const stop = feed.watchProject(id, (item) => again.push(item?.note));
      await set(elsewhere, id, "note", 3);
      await eventually(() => again.at(-1)).toBe(3);
      stop();
    });

    // Skipped for feeds that do not tell of work.
    it.skipIf(!tellsWork)("wakes for work that is due, and for none that is not", async () => {
      await using under = await open();
      const { feed, here, elsewhere } = under;
      let woken = 0;
      const stop = feed.watchWork(() => {
        woken += 1;
      });
      await create(elsewhere, { work_due_at: toTime(Date.now() + 3_600_000) });
      await create(elsewhere, { work_queue: undefined, work_due_at: undefined });
      await sleep(2 * withinMs);
      expect(woken).toBe(0);
      await create(elsewhere);
      await eventually(() => woken).toBe(1);
      await create(here);
      await eventually(() => woken).toBe(2);
      stop();
    });
  });
}
