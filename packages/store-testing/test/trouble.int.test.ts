import {
  cursorsOf,
  itemBytes,
  newProjectId,
  type Project,
  type ReportEventInput,
  Repository,
} from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore } from "@stagefold/core/dynamodb";
import { aRepository, events, FakeClock, TEST_PLAN } from "@stagefold/core/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { lossyProxy } from "./lossy-proxy.ts";
import { ENGINES, startStore } from "./store.ts";

describe.each(ENGINES)("%s", (engine) => {
  const open = async () => {
    const direct = await startStore(engine);
    const proxy = await lossyProxy(direct.endpoint);
    const client = createDynamoClient({ endpoint: proxy.endpoint });
    const store = new DynamoProjectStore(client, "AgentProjects");
    return { direct, proxy, client, store };
  };
  let running: Awaited<ReturnType<typeof open>> | undefined;
  beforeAll(async () => {
    running = await open();
  });
  afterAll(async () => {
    running?.client.destroy();
    await running?.proxy[Symbol.asyncDispose]();
    await running?.direct[Symbol.asyncDispose]();
  });
  afterEach(() => {
    if (running) running.proxy.state.fate = () => "pass";
  });

  it("says so when the table is missing", async () => {
    const { direct } = here();
    const store = new DynamoProjectStore(direct.client, "NoSuchTable");
    const lost = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("ResourceNotFoundException") };
    await expect(store.get("proj_000000000001")).rejects.toMatchObject(lost);
    await expect(store.ping()).rejects.toMatchObject(lost);
    const { repository } = aRepository(store);
    await expect(repository.control.create({ requirement: "r" }, TEST_PLAN)).rejects.toMatchObject(lost);
  });

  it("keeps numbers beyond 2^53, names such as constructor, and text of every kind", async () => {
    const { direct } = here();
    const { repository } = aRepository(direct.store);
    const output = {
      large: 1e20,
      larger: -9.99e99,
      small: 1e-90,
      constructor: { name: "x", toString: null },
      text: "日本🙂\u0000\ud83d",
      "": [[], {}],
    };
    const { project_id, work_queue } = await repository.control.create({ requirement: "r" }, TEST_PLAN);
    const claimed = await repository.work.claim(project_id, "w", work_queue);
    const lease = { project_id, lease_token: claimed?.lease_token ?? 0 };
    const given: ReportEventInput[] = [
      { event: "started", stage: "plan" },
      { event: "completed", stage: "plan", output, metrics: { own: 1e99 } },
    ];
    const report = { ...lease, lease_seq: (claimed?.lease_seq ?? 0) + 1, events: events(...given) };
    const project = await repository.work.report(report);
    const item = await direct.store.get(project_id);
    const read = JSON.parse(JSON.stringify((await repository.get(project_id)).stages_snapshot.stages[0]));
    expect(read.output_data).toMatchObject({ ...output, text: "日本🙂\ufffd\ufffd" });
    expect(read.metrics).toEqual({ own: 1e99 });
    expect(project.item_bytes).toBe(itemBytes(item ?? {}));
    // Also when it comes along with a refusal.
    const refused = await direct.store.write({
      kind: "update",
      transition: "report",
      project_id,
      guards: [{ path: ["revision"], is: "equals", value: 99 }],
      edits: [{ op: "set", path: ["revision"], value: 100 }],
    });
    expect(refused).toEqual({ ok: false, item });
  });

  it("takes a range that ends before it begins, and a cursor of a place outside of it", async () => {
    const { repository } = aRepository(here().direct.store);
    const since = "2026-02-01T00:00:00.000Z";
    const list = (filter: object, cursor?: string) =>
      repository.lists.projects({ status: "queued", ...filter }, 3, cursor);
    for (const until of [since, "2026-01-01T00:00:00.000Z"])
      expect(await list({ since, until })).toEqual({ items: [], next_cursor: null });
    // A cursor of this very list, at a place that it never had.
    const forged = async (filter: object, created_at: string) => {
      const cursors = await cursorsOf(["projects", { status: "queued", ...filter }], z.unknown());
      const taken = { queued: [created_at, "proj_000000000001"] };
      return cursors.encode(JSON.stringify({ taken, at: created_at, seen: [] }));
    };
    await expect(list({}, await forged({}, ""))).rejects.toMatchObject({ code: "INVALID_INPUT" });
    const outside = list({ since }, await forged({ since }, "2025-01-01T00:00:00.000Z"));
    if (engine === "dynalite") await expect(outside).rejects.toMatchObject({ code: "INVALID_INPUT" });
    else expect((await outside).items).toEqual([]);
  });

  function here() {
    if (!running) throw new Error("the engine has not started");
    return running;
  }

  /** One repository behind the proxy, and another that goes straight to the engine, as another process does. */
  async function both() {
    const { proxy, store, direct } = here();
    const clock = new FakeClock();
    const lossy = aRepository(store, clock).repository;
    const straight = new Repository({ ...aRepository(direct.store, clock), store: direct.store, clock });
    const made = await straight.control.create({ requirement: "r", user_id: newProjectId() }, TEST_PLAN);
    const id = made.project_id;
    return { proxy, clock, lossy, straight, id, work_queue: made.work_queue };
  }
  type Both = Awaited<ReturnType<typeof both>>;

  /** The next reply of this operation is lost, after `meanwhile`. */
  function loseNext({ proxy }: Both, operation: string, meanwhile?: () => Promise<unknown>, times = 1): void {
    let left = times;
    proxy.state.answered.length = 0;
    proxy.state.fate = async (found) => {
      if (found !== operation || left === 0) return "pass";
      left -= 1;
      if (left === times - 1) await meanwhile?.();
      return "lose";
    };
  }

  /** Updates that took effect: a repeat that was refused is none. */
  const updatesOf = ({ proxy }: Both) =>
    proxy.state.answered.filter(({ operation, status }) => operation === "UpdateItem" && status === 200)
      .length;

  async function held(it: Both) {
    const claimed = await it.straight.work.claim(it.id, "w", it.work_queue);
    if (!claimed) throw new Error("the claim was refused");
    return { project_id: it.id, lease_token: claimed.lease_token, lease_seq: claimed.lease_seq + 1 };
  }
  const begin = (it: Both, lease: Awaited<ReturnType<typeof held>>) =>
    it.lossy.work.report({ ...lease, events: events({ event: "started", stage: "plan" }) });

  /** Each transition: what comes before it, what it is, and how many writes there are to be of it. */
  const TRANSITIONS: Record<string, (it: Both) => Promise<() => Promise<Project | undefined>>> = {
    claim: (it) =>
      Promise.resolve(async () => (await it.lossy.work.claim(it.id, "w", it.work_queue))?.project),
    report: async (it) => {
      const lease = await held(it);
      return () => begin(it, lease);
    },
    release: async (it) => {
      const lease = await held(it);
      return () => it.lossy.work.report({ ...lease, events: [], release: true });
    },
    "the last report": async (it) => {
      const lease = await held(it);
      const all = TEST_PLAN.stages.map(
        ({ stage }): ReportEventInput => ({ event: "skipped", stage, reason: "" }),
      );
      return () => it.lossy.work.report({ ...lease, events: events(...all) });
    },
    pause: (it) => Promise.resolve(() => it.lossy.control.pause(it.id)),
    resume: async (it) => {
      await it.straight.control.pause(it.id);
      return () => it.lossy.control.resume(it.id);
    },
    cancel: (it) => Promise.resolve(() => it.lossy.control.cancel(it.id)),
    retry: async (it) => {
      await it.straight.control.cancel(it.id);
      return () => it.lossy.control.retry(it.id, {});
    },
    "record artifacts": (it) =>
      Promise.resolve(() => it.lossy.artifacts.record(it.id, "plan", [{ path: "a" }, { path: "b" }], "add")),
    "remove artifacts": async (it) => {
      await it.straight.artifacts.record(it.id, "plan", [{ path: "a" }], "add");
      return () => it.lossy.artifacts.removeForStage(it.id, "plan");
    },
  };

  it.each(Object.entries(TRANSITIONS))(
    "%s: a lost reply is neither a loss nor a double",
    async (_name, prepare) => {
      const it = await both();
      const transition = await prepare(it);
      const before = await it.straight.get(it.id);
      loseNext(it, "UpdateItem");
      const answer = await transition();
      const after = await it.straight.get(it.id);
      expect(after.revision).toBe(before.revision + 1);
      expect(answer).toMatchObject({ status: after.status, revision: after.revision });
      expect(updatesOf(it)).toBe(1);
    },
  );

  it("create: a lost reply is neither a loss nor a double, also when a worker is quicker than its repeat", async () => {
    const it = await both();
    const user_id = newProjectId();
    const queue = async (): Promise<Project> => {
      const [row] = (await it.straight.lists.projects({ user_id }, 10)).items;
      return await it.straight.get(row?.project_id ?? "");
    };
    loseNext(it, "PutItem", async () => {
      const made = await queue();
      await it.straight.work.claim(made.project_id, "quick", made.work_queue);
    });
    const project = await it.lossy.control.create({ requirement: "r", user_id }, TEST_PLAN);
    expect(project).toMatchObject({ status: "building", lease: { owner: "quick" }, revision: 2 });
    expect((await it.straight.lists.projects({ user_id }, 10)).items).toHaveLength(1);
  });

  it("report: finds itself although others wrote before its repeat", async () => {
    const it = await both();
    const lease = await held(it);
    loseNext(it, "UpdateItem", async () => {
      await it.straight.control.pause(it.id);
      await it.straight.artifacts.record(it.id, "check", [{ path: "other" }], "add");
    });
    const project = await begin(it, lease);
    expect(project).toMatchObject({ status: "paused", lease_seq: lease.lease_seq });
    expect(project.stages_snapshot.stages[0]).toMatchObject({ status: "running", attempt: 1 });
  });

  it("claim: finds itself although it was cancelled before its repeat is not a claim", async () => {
    const it = await both();
    loseNext(it, "UpdateItem", () => it.straight.control.cancel(it.id));
    expect(await it.lossy.work.claim(it.id, "w", it.work_queue)).toBeUndefined();
  });

  it("heartbeat: renews once, and a repeat changes nothing", async () => {
    const it = await both();
    const lease = await held(it);
    it.clock.advance(5000);
    const before = await it.straight.get(it.id);
    loseNext(it, "UpdateItem");
    const beat = await it.lossy.work.heartbeat(it.id, lease.lease_token);
    const after = await it.straight.get(it.id);
    expect(beat).toEqual({ status: "building", expires_at: after.lease.expires_at });
    expect(after.revision).toBe(before.revision);
    expect(updatesOf(it)).toBe(1);
  });

  it("delete: is done once, and says so", async () => {
    const it = await both();
    loseNext(it, "DeleteItem");
    await it.lossy.control.delete(it.id);
    await expect(it.straight.get(it.id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
    await expect(it.lossy.control.delete(it.id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
  });

  it("all replies lost is an error, and the caller's own repeat finds what was done", async () => {
    const it = await both();
    const lease = await held(it);
    const lost = { code: "STORE_UNAVAILABLE" };
    const twice = async (operation: string, ask: () => Promise<Project>) => {
      loseNext(it, operation, undefined, 4);
      await expect(ask()).rejects.toMatchObject(lost);
      it.proxy.state.fate = () => "pass";
      const before = (await it.straight.get(it.id)).revision;
      const project = await ask();
      expect((await it.straight.get(it.id)).revision).toBe(before);
      return project;
    };
    expect(await twice("UpdateItem", () => begin(it, lease))).toMatchObject({ lease_seq: lease.lease_seq });
    expect(await twice("UpdateItem", () => it.lossy.control.pause(it.id, "op-1"))).toMatchObject({
      status: "paused",
    });
    const request = { requirement: "r", user_id: newProjectId(), idempotency_key: "k" };
    loseNext(it, "PutItem", undefined, 4);
    await expect(it.lossy.control.create(request, TEST_PLAN)).rejects.toMatchObject(lost);
    expect(await it.lossy.control.create(request, TEST_PLAN)).toMatchObject({
      status: "queued",
      revision: 1,
    });
  });
});
