import type { LeaseKey } from "../src/commands/report.ts";
import { normalise } from "../src/legacy/normalise.ts";
import { MemoryProjectStore } from "../src/memory/project-store.ts";
import type { Item } from "../src/patch/index.ts";
import type { Repository } from "../src/repository/repository.ts";
import type { Project, ProjectStatus } from "../src/snapshot/schema.ts";
import { aRepository, events, TEST_PLAN } from "../src/testing/builders.ts";
import { FakeClock } from "../src/testing/fake-clock.ts";

export const REQUEST = { requirement: "a calculator", user_id: "table", idempotency_key: "the-same" };
export const LEASE_MS = 60_000;

/** One project, the same in all states: its id, its time and its first token. `key` is what its lease owner last wrote with. */
export interface InState {
  readonly store: MemoryProjectStore;
  readonly clock: FakeClock;
  readonly repository: Repository;
  readonly id: string;
  readonly key: LeaseKey;
}

/** How a project comes into each state, by transitions alone but for `pending`, which an import makes. */
const WAYS = {
  pending: async (it) => {
    await it.store.write({
      kind: "update",
      transition: "upgrade",
      project_id: it.id,
      guards: [],
      edits: [
        { op: "set", path: ["status"], value: "pending" },
        { op: "remove", path: ["work_queue"] },
        { op: "remove", path: ["work_due_at"] },
      ],
    });
    await it.repository.get(it.id);
  },
  queued: () => Promise.resolve(),
  building: (it) => build(it),
  waiting: async (it) => {
    await build(it);
    await report(it, 2, [{ event: "waiting", stage: "plan", question: "Go on?", timeout_seconds: 60 }]);
  },
  paused: async (it) => {
    await build(it);
    await it.repository.control.pause(it.id);
  },
  completed: async (it) => {
    await build(it);
    await report(it, 2, [
      { event: "completed", stage: "plan" },
      { event: "skipped", stage: "make", reason: "not needed" },
      { event: "started", stage: "check" },
      { event: "completed", stage: "check" },
    ]);
  },
  failed: async (it) => {
    await build(it);
    await report(it, 2, [{ event: "failed", stage: "plan", message: "broken" }]);
  },
  cancelled: async (it) => {
    await build(it);
    await it.repository.control.cancel(it.id);
  },
} as const satisfies Record<ProjectStatus, (it: Making) => Promise<void>>;

type Making = Omit<InState, "key">;

export async function projectIn(status: ProjectStatus): Promise<InState> {
  const store = new MemoryProjectStore();
  const clock = new FakeClock();
  const { repository } = aRepository(store, clock, LEASE_MS);
  const made = await repository.control.create(REQUEST, TEST_PLAN);
  const it = { store, clock, repository, id: made.project_id };
  await WAYS[status](it);
  const project = await stored(it);
  // The token before a cancellation raised it: that of the lease owner that was.
  const lease_token = project.lease_token - (status === "cancelled" ? 1 : 0);
  return { ...it, key: { lease_token, lease_seq: project.lease_seq } };
}

export async function stored(it: Pick<InState, "store" | "id">): Promise<Project> {
  return normalise(await storedItem(it));
}

export async function storedItem(it: Pick<InState, "store" | "id">): Promise<Item> {
  const item = await it.store.get(it.id);
  if (!item) throw new Error(`there is no ${it.id}`);
  return item;
}

async function build(it: Making): Promise<void> {
  const { work_queue } = await it.repository.get(it.id);
  const claimed = await it.repository.work.claim(it.id, "w1", work_queue);
  if (!claimed) throw new Error("the claim was refused");
  await report(it, 1, [{ event: "started", stage: "plan" }]);
}

async function report(it: Making, lease_seq: number, given: Parameters<typeof events>): Promise<void> {
  const { lease_token } = await it.repository.get(it.id);
  await it.repository.work.report({ project_id: it.id, lease_token, lease_seq, events: events(...given) });
}
