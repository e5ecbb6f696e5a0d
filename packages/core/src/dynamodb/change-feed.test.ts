import { expect, it, onTestFinished, vi } from "vitest";
import { StagefoldError } from "../errors.ts";
import { MemoryProjectStore } from "../memory/project-store.ts";
import type { RowChange } from "../ports/change-feed.ts";
import type { ListPage, ListQuery } from "../ports/project-store.ts";
import { aProject } from "../testing/builders.ts";
import { PollingChangeFeed } from "./change-feed.ts";

/** A store whose index can be made to stand still while its items go on. */
class LaggingStore extends MemoryProjectStore {
  #pages: Map<string, ListPage> | undefined;
  reads = 0;
  down = false;

  /** From now on lists are answered as they are now; undefined: as the items are. */
  async freeze(): Promise<Map<string, ListPage>> {
    const statuses = ["queued", "building", "paused", "completed"] as const;
    const pages = statuses.map(async (status) => [status, await super.list({ status, limit: 50 })] as const);
    return new Map(await Promise.all(pages));
  }

  show(pages: Map<string, ListPage> | undefined): void {
    this.#pages = pages;
  }

  override list(query: ListQuery): Promise<ListPage> {
    if (this.down) return Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "down", { retry_after: 1 }));
    if (!this.#pages) return super.list(query);
    return Promise.resolve(this.#pages.get(query.status ?? "") ?? NONE);
  }

  override getMany(ids: readonly string[]) {
    this.reads += ids.length;
    return super.getMany(ids);
  }
}

const id = "proj_000000000001";
const NONE: ListPage = { items: [], next: undefined };

async function watched() {
  const store = new LaggingStore();
  const item = aProject({ project_id: id });
  await store.write({ kind: "put", transition: "create", project_id: id, guards: [], item });
  const errors: unknown[] = [];
  const feed = new PollingChangeFeed(store, { listPollMs: 10, onError: (error) => errors.push(error) });
  const seen: string[] = [];
  const change = (one: RowChange) => (one.kind === "changed" ? String(one.row.status) : "deleted");
  onTestFinished(feed.watchRows((changes) => seen.push(...changes.map(change))));
  const polls = () => new Promise((resolve) => setTimeout(resolve, 60));
  await polls();
  const become = (status: string) =>
    store.write({
      kind: "update",
      transition: "report",
      project_id: id,
      guards: [],
      edits: [
        { op: "set", path: ["status"], value: status },
        { op: "add", path: ["revision"], value: 1 },
      ],
    });
  return { store, seen, errors, polls, become };
}

it("L6: an old page of the index does not bring an older state back", async () => {
  const { store, seen, polls, become } = await watched();
  const queued = await store.freeze();
  await become("building");
  await polls();
  expect(seen).toEqual(["building"]);
  store.show(queued);
  await polls();
  store.show(undefined);
  await polls();
  expect(seen).toEqual(["building"]);
  await become("completed");
  await polls();
  expect(seen).toEqual(["building", "completed"]);
});

it("L6: an index that is behind tells of the newest state once, whatever it shows afterwards", async () => {
  const { store, seen, polls, become } = await watched();
  await become("building");
  const building = await store.freeze();
  await become("paused");
  const behind = new Map([...building, ["paused", (await store.freeze()).get("paused") ?? NONE]]);
  // Before, in two partitions at once, and up to date.
  for (const pages of [building, behind, undefined]) {
    store.show(pages);
    await polls();
  }
  expect(seen.filter((status) => status === "paused")).toHaveLength(1);
  expect(seen.at(-1)).toBe("paused");
  const { reads } = store;
  await polls();
  // What is settled is not read again.
  expect(store.reads).toBe(reads);
});

it("a deleted project is reported once while the index still shows it", async () => {
  const { store, seen, polls } = await watched();
  const before = await store.freeze();
  await store.write({ kind: "delete", transition: "delete", project_id: id, guards: [] });
  await polls();
  store.show(before);
  await polls();
  store.show(undefined);
  await polls();
  expect(seen).toEqual(["deleted"]);
});

it("a project that the index showed in no state when it was last looked at is reported when it is deleted", async () => {
  const { store, seen, polls, become } = await watched();
  await become("paused");
  // Its row has left one partition and is not in the other yet.
  store.show(new Map());
  await polls();
  expect(seen).toEqual(["paused"]);
  await store.write({ kind: "delete", transition: "delete", project_id: id, guards: [] });
  store.show(undefined);
  await polls();
  expect(seen).toEqual(["paused", "deleted"]);
});

it("a project that newer ones have pushed out of what is looked at is not read again", async () => {
  const { store, seen, polls, become } = await watched();
  await become("completed");
  await polls();
  for (let n = 2; n <= 60; n++) {
    const project_id = `proj_${String(n).padStart(12, "0")}`;
    const item = { ...aProject({ project_id }, `2099-01-01T00:00:00.0${n + 10}Z`), status: "completed" };
    await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
  }
  await polls();
  const { reads } = store;
  await polls();
  expect([seen[0], store.reads]).toEqual(["completed", reads]);
});

it("a store that does not answer is asked ever more seldom, and the subscription continues", async () => {
  const { store, seen, errors, polls, become } = await watched();
  store.down = true;
  const list = vi.spyOn(store, "list");
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(errors.length).toBeGreaterThan(2);
  // After 10, 20, 40 … milliseconds: not seventy times.
  expect(list.mock.calls.length).toBeLessThan(8 * 7);
  store.down = false;
  await become("building");
  await expect.poll(() => seen).toEqual(["building"]);
  await polls();
});

it("does not tell of a build that is older than those it asks for, and says that it is partial", async () => {
  const store = new MemoryProjectStore();
  const ids = Array.from({ length: 51 }, (_, n) => `proj_${String(n).padStart(12, "0")}`);
  for (const [n, project_id] of ids.entries()) {
    const created_at = `2025-01-01T00:00:${String(n).padStart(2, "0")}.000Z`;
    const item = { ...aProject({ project_id }), status: "completed", created_at };
    await store.write({ kind: "put", transition: "import", project_id, guards: [], item });
  }
  const feed = new PollingChangeFeed(store, { listPollMs: 10 });
  const seen: RowChange[] = [];
  onTestFinished(feed.watchRows((changes) => seen.push(...changes)));
  const remove = async (project_id = "") => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    await store.write({ kind: "delete", transition: "delete", project_id, guards: [] });
  };
  await remove(ids[0]);
  await remove(ids[50]);
  await expect.poll(() => seen).toEqual([{ kind: "deleted", project_id: ids[50] }]);
  expect(feed.isPartial).toBe(true);
});
