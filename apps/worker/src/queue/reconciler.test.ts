import {
  createMemoryFileStores,
  type DueRange,
  MemoryProjectStore,
  newProjectId,
  Repository,
} from "@stagefold/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createMetrics } from "../metrics.ts";
import { Reconciler } from "./reconciler.ts";

/** A store whose work index has lost the rows of some projects until they are next written with another due time. */
class LossyStore extends MemoryProjectStore {
  readonly lost = new Map<string, string>();
  reads = 0;

  override async due(queue: string, now: string, limit: number, range?: DueRange) {
    const rows = await super.due(queue, now, limit + this.lost.size, range);
    return rows.filter((row) => this.lost.get(row.project_id) !== row.work_due_at).slice(0, limit);
  }

  override getMany(projectIds: readonly string[]) {
    this.reads += projectIds.length;
    return super.getMany(projectIds);
  }

  async lose(projectId: string): Promise<void> {
    const item = await this.get(projectId);
    this.lost.set(projectId, String(item?.work_due_at));
  }
}

function open() {
  const store = new LossyStore();
  const time = { now: Date.UTC(2026, 0, 1) };
  const clock = { now: () => time.now };
  const repository = new Repository({ store, ...createMemoryFileStores(), clock, leaseMs: 10_000 });
  const metrics = createMetrics();
  const found: string[] = [];
  const reconciler = new Reconciler({
    repository,
    owner: `w-${newProjectId()}`,
    metrics,
    log: pino({ level: "silent" }),
    everyMs: 20,
    lostAfterMs: 30_000,
    retention: { removeExpired: () => Promise.resolve(0) },
    onFound: (rows) => found.push(...rows.map((row) => row.project_id)),
  });
  const create = async (mine = true) => {
    const stages = [{ stage: "s" }];
    const plan = mine ? { pipeline: "p", pipeline_version: "1", stages } : { pipeline: "own", stages };
    return (await repository.control.create({ requirement: "x" }, plan)).project_id;
  };
  return { store, time, repository, metrics, found, reconciler, create };
}

test("due work that the index lost is found, and nothing else is read", async () => {
  const { store, time, repository, found, reconciler, create } = open();
  const ids = await Promise.all(Array.from({ length: 1300 }, () => create()));
  const [queued = "", held = "", dead = ""] = ids;
  for (const id of [held, dead])
    await repository.work.claim(id, "other", (await repository.get(id)).work_queue);
  for (const id of [queued, held, dead]) await store.lose(id);
  await reconciler.reconcile();
  // Due for a moment only: an index may be that far behind.
  expect(found).toEqual([]);
  time.now += 60_000;
  const { lease_token } = await repository.get(held);
  await repository.work.heartbeat(held, lease_token);
  await store.lose(held);
  const before = store.reads;
  const rows = await reconciler.reconcile();
  expect([...found].sort()).toEqual([queued, dead].sort());
  expect(store.reads - before).toBe(3);
  const row = rows.find((one) => one.project_id === dead);
  expect(row).toMatchObject({ pipeline: "p", lease: { owner: "other" } });
  expect(await repository.work.claim(dead, "w", row?.work_queue)).toBeDefined();
});

test("what has ended, is paused or waits for a later attempt is not due", async () => {
  const { store, time, repository, found, reconciler, create } = open();
  const [paused, cancelled, later] = [await create(), await create(), await create()];
  await repository.control.pause(paused);
  await repository.control.cancel(cancelled);
  const claimed = await repository.work.claim(later, "w", (await repository.get(later)).work_queue);
  if (!claimed) throw new Error("expected a claim");
  await repository.work.report({
    project_id: later,
    lease_token: claimed.lease_token,
    lease_seq: claimed.lease_seq + 1,
    events: [
      { event: "started", stage: "s" },
      { event: "failed", stage: "s", message: "no", code: "STAGE_FAILED", retry_in_seconds: 3600 },
    ],
  });
  for (const id of [paused, cancelled, later]) await store.lose(id);
  time.now += 600_000;
  expect(await reconciler.reconcile()).toEqual([]);
  time.now += 3_600_000;
  await reconciler.reconcile();
  expect(found).toEqual([later]);
});

test("work of other programs gets its row back, with nothing else changed for them", async () => {
  const { store, time, repository, metrics, found, reconciler, create } = open();
  const id = await create(false);
  await store.lose(id);
  time.now += 60_000;
  expect(await repository.work.due("external", 10)).toEqual([]);
  await reconciler.reconcile();
  expect(found).toEqual([]);
  expect(await repository.work.due("external", 10)).toMatchObject([{ project_id: id }]);
  expect(await repository.get(id)).toMatchObject({ status: "queued", lease: { claims: 0 } });
  expect((await repository.get(id)).stages_snapshot.stages).toMatchObject([
    { status: "pending", attempt: 0 },
  ]);
  expect(await metrics.registry.metrics()).toContain("stagefold_reconciled_total 1");
});

test("it runs now and then, also after a failure", async () => {
  const { store, time, found, reconciler, create } = open();
  const list = store.list.bind(store);
  let failures = 0;
  store.list = (query) => (failures++ < 2 ? Promise.reject(new Error("not now")) : list(query));
  const id = await create();
  await store.lose(id);
  time.now += 60_000;
  const running = reconciler.run();
  while (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  reconciler.stop();
  await running;
  expect(found[0]).toBe(id);
});

test("W1: items that cannot be read keep no other lost work from being found", async () => {
  const { store, time, metrics, found, reconciler, create } = open();
  const poisons: [string[], unknown][] = [
    [["stages_snapshot"], "{ not JSON"],
    [["stages_snapshot"], 5],
    [["lease"], "worker-1"],
    [["priority"], "first"],
  ];
  const poisoned: string[] = [];
  for (const [path, value] of poisons) {
    const id = await create();
    poisoned.push(id);
    await store.lose(id);
    const edits = [{ op: "set" as const, path, value }];
    await store.write({ kind: "update", transition: "upgrade", project_id: id, guards: [], edits });
  }
  const good = await create();
  await store.lose(good);
  time.now += 60_000;
  await reconciler.reconcile();
  expect(found).toContain(good);
  expect(found).not.toContain(poisoned[0]);
  expect(await metrics.registry.metrics()).toMatch(
    /stagefold_worker_unclaimable_total.reason="error". [1-9]/,
  );
});

test("W1: work of other programs that cannot be put back keeps no other from it", async () => {
  const { store, time, repository, reconciler, create } = open();
  const [poisoned, good] = [await create(false), await create(false)];
  for (const id of [poisoned, good]) await store.lose(id);
  time.now += 60_000;
  const write = store.write.bind(store);
  store.write = (patch) =>
    patch.project_id === poisoned ? Promise.reject(new TypeError("poisoned")) : write(patch);
  await reconciler.reconcile();
  expect(await repository.work.due("external", 10)).toMatchObject([{ project_id: good }]);
});

test("L19: work that was created while the clock was ahead is due now, and what shall wait still waits", async () => {
  const { time, repository, found, reconciler, create } = open();
  const usual = await create();
  const claimed = await repository.work.claim(usual, "w", (await repository.get(usual)).work_queue);
  if (!claimed) throw new Error("expected a claim");
  const { lease_token, lease_seq } = claimed;
  const failed = { event: "failed" as const, stage: "s", message: "no", code: "STAGE_FAILED" as const };
  await repository.work.report({
    project_id: usual,
    lease_token,
    lease_seq: lease_seq + 1,
    events: [
      { event: "started", stage: "s" },
      { ...failed, retry_in_seconds: 600 },
    ],
  });
  time.now += 3_600_000;
  const ahead = await create();
  const outside = await create(false);
  time.now -= 3_600_000;
  await reconciler.findMisdated();
  expect(found).toEqual([ahead]);
  // Other programs see theirs at once.
  expect(await repository.work.due("external", 10)).toMatchObject([{ project_id: outside }]);
});
