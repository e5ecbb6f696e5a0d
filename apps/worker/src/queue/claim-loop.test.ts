import {
  type Claimed,
  createMemoryFileStores,
  type DuePosition,
  type DueRange,
  type DueWork,
  MAX_STALLS,
  MemoryProjectStore,
  newProjectId,
  Repository,
  StagefoldError,
} from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { TIMINGS } from "../deps.ts";
import { createMetrics, type WorkerMetrics } from "../metrics.ts";
import { ClaimLoop } from "./claim-loop.ts";
import type { HeldBuild } from "./fair-scheduler.ts";
import { WorkerBackoff } from "./worker-backoff.ts";
import { workerIdentity } from "./worker-identity.ts";

const stages = [{ stage: "s", run: () => ({}) }];
const pipelines = createRegistry([
  definePipeline({ name: "free", stages }),
  definePipeline({ name: "limited", max_running: 2, stages }),
]);

/** Counts the queries of the work index and the rows they gave. */
class CountingStore extends MemoryProjectStore {
  queries = 0;
  rows = 0;

  override async due(queue: string, now: string, limit: number, range?: DueRange) {
    const rows = await super.due(queue, now, limit, range);
    this.queries += 1;
    this.rows += rows.length;
    return rows;
  }
}

interface Field {
  readonly store: CountingStore;
  readonly repository: Repository;
  queue(count: number, more?: { user_id?: string; priority?: number; pipeline?: string }): Promise<string[]>;
  /** A loop whose builds last until they are ended here. */
  worker(options?: { concurrency?: number; maxRunningPerUser?: number }): Worker;
}

interface Worker {
  readonly metrics: WorkerMetrics;
  readonly workerBackoff: WorkerBackoff;
  /** The lines that it logged as errors. */
  readonly errors: string[];
  readonly held: HeldBuild[];
  readonly order: Claimed[];
  /** Resolves when so many builds were claimed in all. */
  claimed(count: number): Promise<string[]>;
  end(projectId: string): Promise<void>;
}

function openField(): Field {
  const store = new CountingStore();
  const files = createMemoryFileStores();
  const clock = { now: () => now };
  let now = Date.now() - 3_600_000;
  const repository = new Repository({ store, ...files, clock, leaseMs: 3_600_000 });
  return {
    store,
    repository,
    queue: async (count, { user_id = "a", priority = 3, pipeline = "free" } = {}) => {
      const ids: string[] = [];
      for (let i = 0; i < count; i++) {
        now += 1;
        const plan = { pipeline, pipeline_version: "1", stages: [{ stage: "s" }] };
        const made = await repository.control.create({ requirement: "x", user_id, priority }, plan);
        ids.push(made.project_id);
      }
      return ids;
    },
    worker: ({ concurrency = 1, maxRunningPerUser } = {}) => {
      const held: HeldBuild[] = [];
      const order: Claimed[] = [];
      const waiting: { count: number; done: () => void }[] = [];
      const metrics = createMetrics();
      const workerBackoff = new WorkerBackoff();
      const errors: string[] = [];
      const loop = new ClaimLoop({
        deps: {
          repository,
          pipelines,
          metrics,
          timings: { ...TIMINGS, idleFirstMs: 1, idleLastMs: 5 },
          workerBackoff,
          log: pino({ level: "error" }, { write: (line: string) => void errors.push(line) }),
        },
        owner: `w-${newProjectId()}`,
        concurrency,
        maxRunningPerUser,
        held: () => held,
        onClockSetBack: () => undefined,
        onClaim: (claimed) => {
          const { project_id: projectId, pipeline: pipelineName, user_id: userId } = claimed.project;
          held.push({
            projectId,
            pipelineName,
            userId,
            isSuspect: claimed.project.lease.claims >= MAX_STALLS,
          });
          order.push(claimed);
          for (const one of waiting) if (order.length >= one.count) one.done();
        },
      });
      const running = loop.run();
      onTestFinished(async () => {
        loop.stop();
        await running;
      });
      return {
        metrics,
        workerBackoff,
        errors,
        held,
        order,
        claimed: async (count) => {
          if (order.length < count) await new Promise<void>((done) => waiting.push({ count, done }));
          return order.map(({ project }) => project.user_id ?? "");
        },
        end: async (projectId) => {
          const claimed = order.findLast(({ project }) => project.project_id === projectId);
          if (!claimed) throw new Error(`expected a claim of ${projectId}`);
          const { lease_token, lease_seq } = claimed;
          await repository.work.report({
            project_id: projectId,
            lease_token,
            lease_seq: lease_seq + 1,
            events: [
              { event: "started", stage: "s" },
              { event: "completed", stage: "s" },
            ],
          });
          held.splice(
            held.findIndex((one) => one.projectId === projectId),
            1,
          );
          loop.wake();
        },
      };
    },
  };
}

/** Ends each build as soon as it is claimed, until so many were claimed; returns whose they were. */
async function runAll(worker: Worker, count: number): Promise<string[]> {
  for (let done = 0; done < count; done++) {
    await worker.claimed(done + 1);
    const id = worker.order[done]?.project.project_id ?? "";
    await worker.end(id);
  }
  return worker.order.slice(0, count).map(({ project }) => project.user_id ?? "");
}

test("within a priority the oldest come first, and priority 1 before 5", async () => {
  const field = openField();
  const last = await field.queue(3, { priority: 5 });
  const middle = await field.queue(12, { priority: 3 });
  const first = await field.queue(2, { priority: 1 });
  const worker = field.worker();
  await runAll(worker, 17);
  const order = worker.order.map(({ project }) => project.project_id);
  expect(order.slice(0, 2).sort()).toEqual([...first].sort());
  expect(order.slice(2, 14).sort()).toEqual([...middle].sort());
  expect(order.slice(14).sort()).toEqual([...last].sort());
  // Near the front the order is shuffled: the oldest is among the first eight.
  expect(order.slice(2).indexOf(middle[0] ?? "")).toBeLessThan(12);
});

test("users take turns, however many builds one of them has queued before", async () => {
  const field = openField();
  await field.queue(30, { user_id: "a" });
  await field.queue(6, { user_id: "b" });
  const users = await runAll(field.worker(), 14);
  // All of them are near enough to the front to be seen at once.
  for (let i = 2; i <= 12; i += 2)
    expect(users.slice(0, i).filter((user) => user === "b").length).toBeGreaterThanOrEqual(i / 2 - 1);
});

test("a user with 3,000 queued builds does not starve one who stands behind them all", async () => {
  const field = openField();
  await field.queue(3000, { user_id: "a" });
  await field.queue(3, { user_id: "b" });
  await field.queue(1, { user_id: "c" });
  const users = await runAll(field.worker(), 30);
  expect(users.filter((user) => user === "b")).toHaveLength(3);
  expect(users.filter((user) => user === "c")).toHaveLength(1);
});

test("nor when there are two of them, and their limit keeps them from running more", async () => {
  const field = openField();
  for (let i = 0; i < 20; i++) {
    await field.queue(50, { user_id: "a" });
    await field.queue(50, { user_id: "d" });
  }
  await field.queue(2, { user_id: "b" });
  const worker = field.worker({ concurrency: 5, maxRunningPerUser: 1 });
  expect((await worker.claimed(3)).sort()).toEqual(["a", "b", "d"]);
  const again = worker.held.find((held) => held.userId === "b");
  await worker.end(again?.projectId ?? "");
  expect((await worker.claimed(4)).at(-1)).toBe("b");
});

test("a blocked front of one priority does not hold back the next", async () => {
  const field = openField();
  await field.queue(120, { user_id: "a", priority: 1 });
  await field.queue(1, { user_id: "b", priority: 5 });
  const worker = field.worker({ concurrency: 3, maxRunningPerUser: 2 });
  expect((await worker.claimed(3)).sort()).toEqual(["a", "a", "b"]);
});

test("limits hold over all workers", async () => {
  const field = openField();
  await field.queue(10, { pipeline: "limited" });
  const first = field.worker({ concurrency: 4 });
  await first.claimed(2);
  const second = field.worker({ concurrency: 4 });
  await field.queue(1, { pipeline: "free" });
  await second.claimed(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(first.order.length + second.order.length).toBe(3);
  const [ended] = first.held;
  await first.end(ended?.projectId ?? "");
  await Promise.race([first.claimed(first.order.length + 1), second.claimed(second.order.length + 1)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(first.order.length + second.order.length).toBe(4);
});

test("what looks cost is bounded, and nothing of what others hold is read without a limit", async () => {
  const field = openField();
  await field.queue(5000);
  const worker = field.worker();
  await worker.claimed(1);
  // A start reads what is held; five priorities of two queues, and looks behind the front that were saved up.
  expect(field.store.queries).toBeLessThanOrEqual(10 + 10 + 20);
  expect(field.store.rows).toBeLessThanOrEqual(2 * 50 + 20 * 250);
  const before = field.store.rows;
  const from = performance.now();
  await runAll(worker, 10);
  // The fronts of one priority's two queues for each build, and behind them what the time allows.
  const seconds = (performance.now() - from) / 1000;
  expect(field.store.rows - before).toBeLessThanOrEqual(11 * 2 * 50 + (2 + seconds / 0.8) * 250);
});

test("all builds of a dead worker are taken, also with few slots and a store that is away at first", async () => {
  const field = openField();
  const ids = await field.queue(3);
  // The first process of the machine began at another time than this name says: its owner is gone.
  const gone = workerIdentity().replace(/-\d+-\d+-([0-9a-f]+)$/, "-1-999999999999-$1");
  for (const id of ids)
    await field.repository.work.claim(id, gone, (await field.repository.get(id)).work_queue);
  const due = field.store.due.bind(field.store);
  let failures = 0;
  field.store.due = (...given) => (failures++ < 3 ? Promise.reject(new Error("not now")) : due(...given));
  const worker = field.worker({ concurrency: 2 });
  await worker.claimed(2);
  expect(worker.held).toHaveLength(2);
  await worker.end(worker.order[0]?.project.project_id ?? "");
  await worker.claimed(3);
  // Their leases would have lasted an hour.
  expect(worker.order.map(({ project }) => project.project_id).sort()).toEqual([...ids].sort());
  expect(failures).toBeGreaterThan(3);
});

test("a row that the index keeps by mistake is not claimed again and again", async () => {
  const field = openField();
  const [id = ""] = await field.queue(1);
  const ghost: DueWork = {
    project_id: newProjectId(),
    work_queue: "agent_builds#p3#00",
    work_due_at: "2025-01-01T00:00:00.000Z",
    pipeline: "free",
    user_id: "g",
  };
  const due = field.store.due.bind(field.store);
  field.store.due = async (queue, now, limit, range?: { after?: DuePosition | undefined }) => {
    const rows = await due(queue, now, limit, range);
    return queue === ghost.work_queue && !range?.after ? [ghost, ...rows] : rows;
  };
  const write = field.store.write.bind(field.store);
  let claims = 0;
  field.store.write = (patch) => {
    if (patch.transition === "claim" && patch.project_id === ghost.project_id) claims += 1;
    return write(patch);
  };
  const worker = field.worker({ concurrency: 2 });
  await worker.claimed(1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(worker.order.map(({ project }) => project.project_id)).toEqual([id]);
  expect(claims).toBe(1);
});

/** Changes an item past all rules, as a person or an old program does. */
async function edit(store: CountingStore, project_id: string, path: readonly string[], value: unknown) {
  const edits = [{ op: "set" as const, path, value }];
  await store.write({ kind: "update", transition: "upgrade", project_id, guards: [], edits });
}

const broken = { total: 1, completed: 0, stages: [{ stage: "__proto__", stage_number: 1 }] };
test.each<[string, readonly string[], unknown]>([
  ["a snapshot that cannot be read", ["stages_snapshot"], "{ not JSON"],
  ["a snapshot of another kind", ["stages_snapshot"], 5],
  ["a stage named __proto__", ["stages_snapshot"], broken],
  ["a lease that is no map", ["lease"], "worker-1"],
  ["a lease that is a list", ["lease"], [1, 2]],
  ["a count of claims that is text", ["lease", "claims"], "many"],
  ["a token that is text", ["lease_token"], "seven"],
  ["a status of another program", ["status"], "in_progress"],
  ["a revision that is text", ["revision"], "last"],
])("W1: %s at the head of the queue stops nothing behind it", async (_what, path, value) => {
  const field = openField();
  const poisoned = await field.queue(30, { priority: 1, user_id: "p" });
  for (const id of poisoned) await edit(field.store, id, path, value);
  const [good = ""] = await field.queue(1, { priority: 3, user_id: "g" });
  const worker = field.worker({ concurrency: 1 });
  await worker.claimed(1);
  expect(worker.order.map(({ project }) => project.project_id)).toEqual([good]);
});

test("W1: an item whose claim fails is put aside with back-off, counted, and logged once", async () => {
  const field = openField();
  const [poisoned = ""] = await field.queue(1, { priority: 1 });
  const good = await field.queue(3, { priority: 3 });
  const write = field.store.write.bind(field.store);
  let claims = 0;
  field.store.write = (patch) => {
    if (patch.transition !== "claim" || patch.project_id !== poisoned) return write(patch);
    claims += 1;
    return Promise.reject(new TypeError("cannot read properties of a poisoned item"));
  };
  const worker = field.worker({ concurrency: 3 });
  await worker.claimed(3);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(worker.order.map(({ project }) => project.project_id).sort()).toEqual([...good].sort());
  expect(claims).toBe(1);
  expect(worker.errors).toHaveLength(1);
  expect(worker.errors[0]).toContain(poisoned);
  const text = await worker.metrics.registry.metrics();
  expect(text).toContain('stagefold_worker_unclaimable_total{reason="error"} 1');
});

test("a store that fails ends the scan, and puts no build aside", async () => {
  const field = openField();
  const ids = await field.queue(2);
  const write = field.store.write.bind(field.store);
  let failures = 0;
  field.store.write = (patch) => {
    if (patch.transition !== "claim" || failures >= 3) return write(patch);
    failures += 1;
    return Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "not now", { retry_after: 1 }));
  };
  const worker = field.worker({ concurrency: 2 });
  await worker.claimed(2);
  expect(worker.order.map(({ project }) => project.project_id).sort()).toEqual([...ids].sort());
});

test("W2: a worker that cannot run stages claims one build at a time, more and more slowly", async () => {
  const field = openField();
  await field.queue(20);
  const worker = field.worker({ concurrency: 8 });
  const from = performance.now();
  worker.workerBackoff.failed("no process can be started");
  const failing = setInterval(() => {
    if (worker.held.splice(0).length > 0) worker.workerBackoff.failed("no process can be started");
  }, 5);
  await worker.claimed(2);
  clearInterval(failing);
  worker.workerBackoff.failed("no process can be started");
  // At least 0.8 s, then at least 1.6 s.
  expect(performance.now() - from).toBeGreaterThan(2300);
  expect(worker.order).toHaveLength(2);
  // Three failures in a row: it says so until a stage ran.
  expect(worker.workerBackoff.notReady).toContain("no process can be started");
  worker.workerBackoff.succeeded();
  expect(worker.workerBackoff.notReady).toBeUndefined();
  await worker.claimed(8);
});

test("L20: a build whose workers died twice gets no new neighbours until it makes progress", async () => {
  const field = openField();
  const [suspect = ""] = await field.queue(1, { priority: 1, user_id: "s" });
  const [other = ""] = await field.queue(1, { priority: 2, user_id: "t" });
  for (const id of [suspect, other]) await edit(field.store, id, ["lease", "claims"], 2);
  await field.queue(5, { priority: 3 });
  const worker = field.worker({ concurrency: 4 });
  await worker.claimed(1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(worker.held.map((build) => build.projectId)).toEqual([suspect]);
  // Its stage ends: the next suspect runs, again without others.
  await worker.end(suspect);
  await worker.claimed(2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(worker.held.map((build) => build.projectId)).toEqual([other]);
  await worker.end(other);
  await worker.claimed(6);
});
