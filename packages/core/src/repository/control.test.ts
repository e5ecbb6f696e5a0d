import { describe, expect, it } from "vitest";
import { aLeaseOwner, stageOf } from "../../test/lease-owner.ts";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { aRepository } from "../testing/builders.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const LEASE = 60_000;

/** A lease owner in the middle of its first stage, and another process that knows only what it reads. */
async function building() {
  const owner = await aLeaseOwner(STAGES);
  await owner.claim();
  await owner.report([{ event: "started", stage: "plan" }]);
  const other = aRepository(owner.store, owner.clock, LEASE).repository;
  return { ...owner, owner, other };
}

describe("pausing and resuming", () => {
  it("continues under the same lease while it lives, with the due time of the lease as it is now", async () => {
    const { owner, other, clock, id } = await building();
    await other.control.pause(id);
    // The other process has seen the lease as it was; heartbeats move it on.
    for (let i = 0; i < 3; i++) {
      clock.advance(19_000);
      await owner.repository.work.heartbeat(id, owner.key.lease_token);
    }
    clock.advance(2_500);
    const resumed = await other.control.resume(id);
    expect(resumed).toMatchObject({ status: "building", lease: { owner: "w" } });
    expect(resumed.work_due_at).toBe("2026-01-01T00:02:02.000Z");
    // Nobody takes it while that lease lives.
    clock.advance(50_000);
    expect(await other.work.claim(id, "thief", resumed.work_queue)).toBeUndefined();
    await owner.report([{ event: "progress", stage: "plan", progress: 5 }]);
  });

  it("takes no living lease, whatever the index says", async () => {
    const { owner, other, store, id } = await building();
    const { work_queue } = await other.get(id);
    await store.write({
      kind: "update",
      transition: "upgrade",
      project_id: id,
      guards: [],
      edits: [{ op: "set", path: ["work_due_at"], value: "2020-01-01T00:00:00.000Z" }],
    });
    expect(await other.work.due("agent_builds", 10)).toHaveLength(1);
    expect(await other.work.claim(id, "thief", work_queue)).toBeUndefined();
    await owner.report([{ event: "completed", stage: "plan" }]);
  });

  it("queues it again once the lease has run out, and tells the lease owner that was", async () => {
    const { owner, other, clock, id } = await building();
    await other.control.pause(id);
    clock.advance(LEASE + 1);
    const resumed = await other.control.resume(id);
    expect(resumed).toMatchObject({ status: "queued", lease: { claims: 0 }, work_due_at: other.now() });
    await expect(owner.report([{ event: "completed", stage: "plan" }])).rejects.toMatchObject({
      code: "LEASE_LOST",
    });
    const claim = await other.work.claim(id, "w2", resumed.work_queue);
    expect(claim?.project.stages_snapshot.stages[0]).toMatchObject({
      status: "pending",
      history: [{ attempt: 1, status: "failed", code: "WORKER_LOST" }],
    });
  });

  it("L14: a build that is paused while a retry waits keeps the wait when it is resumed", async () => {
    const { owner, other, clock, id } = await building();
    const failed = { event: "failed" as const, stage: "plan", message: "no", code: "STAGE_FAILED" as const };
    const waiting = await owner.report([{ ...failed, retry_in_seconds: 600 }]);
    await other.control.pause(id);
    clock.advance(60_000);
    expect(await other.control.resume(id)).toMatchObject({
      status: "queued",
      work_due_at: waiting.work_due_at,
    });
    // A wait that is over is not kept.
    await other.control.pause(id);
    clock.advance(600_000);
    expect(await other.control.resume(id)).toMatchObject({ work_due_at: other.now() });
  });

  it("L14: a retry that begins to wait while the build is paused keeps its wait too", async () => {
    const { owner, other, clock, id } = await building();
    await other.control.pause(id);
    const failed = { event: "failed" as const, stage: "plan", message: "no", code: "STAGE_FAILED" as const };
    await owner.report([{ ...failed, retry_in_seconds: 600 }]);
    const dueAt = Date.parse(other.now()) + 600_000;
    clock.advance(1000);
    const resumed = await other.control.resume(id);
    expect(Date.parse(resumed.work_due_at ?? "")).toBe(dueAt);
  });

  it("records the end of a stage that ran, and with the last stage the end of the project", async () => {
    const { owner, other, id } = await building();
    await owner.report([
      { event: "completed", stage: "plan" },
      { event: "skipped", stage: "make", reason: "" },
      { event: "started", stage: "check" },
    ]);
    await other.control.pause(id);
    const ended = await owner.report([{ event: "completed", stage: "check" }]);
    expect(ended).toMatchObject({ status: "completed", lease: { claims: 0 }, progress_percentage: 100 });
    expect(ended.build_summary).toBeDefined();
    await expect(other.control.resume(id)).rejects.toMatchObject({
      code: "PROJECT_CONFLICT",
      data: { expected: "pending or paused", actual: "completed" },
    });
  });

  it("has nothing to run in a project without stages", async () => {
    const store = new MemoryProjectStore();
    const { repository } = aRepository(store);
    const project_id = "proj_00000000beef";
    for (const status of ["building", "paused"]) {
      const item = { project_id, status, created_at: "2025-01-01T00:00:00.000Z", stages_snapshot: {} };
      await store.write({ kind: "delete", transition: "delete", project_id, guards: [] });
      await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
      await expect(repository.control.resume(project_id)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    }
  });
});

describe("an operation id", () => {
  it("makes a repeat harmless, from any process, until the next control write", async () => {
    const { other, store, clock, id } = await building();
    const blind = aRepository(store, clock).repository;
    const first = await other.control.pause(id, "op");
    expect(await other.control.pause(id, "op")).toEqual(first);
    expect(await blind.control.pause(id, "op")).toEqual(first);
    await other.control.resume(id, "next");
    // The first operation is forgotten: this one is another.
    expect(await blind.control.pause(id, "op")).toMatchObject({
      status: "paused",
      revision: first.revision + 2,
    });
  });

  it("is one operation's alone: under another it is not taken for done", async () => {
    const { other, id } = await building();
    await other.control.pause(id, "same");
    expect(await other.control.cancel(id, "same")).toMatchObject({ status: "cancelled" });
    expect(await other.control.retry(id, {}, "same")).toMatchObject({ status: "queued", run: 2 });
    expect(await other.control.retry(id, {}, "same")).toMatchObject({ status: "queued", run: 2 });
    expect(await other.control.pause(id, "same")).toMatchObject({ status: "paused" });
    expect(await other.control.resume(id, "same")).toMatchObject({ status: "queued" });
  });
});

describe("a retry", () => {
  async function failedAt(stage: "plan" | "make" | "check") {
    const it = await building();
    for (const [i, { stage: key }] of STAGES.entries()) {
      if (key === stage) {
        await it.owner.report([{ event: "failed", stage: key, message: "broken" }]);
        return it;
      }
      await it.owner.report([
        { event: "completed", stage: key, artifacts: [{ path: `${key}.txt` }] },
        { event: "started", stage: STAGES[i + 1]?.stage ?? "" },
      ]);
    }
    return it;
  }
  const statuses = (project: { stages_snapshot: { stages: { status: string }[] } }) =>
    project.stages_snapshot.stages.map((stage) => stage.status).join(" ");

  it("from the first unfinished stage keeps the finished ones", async () => {
    const { owner, other, id } = await failedAt("make");
    const retried = await other.control.retry(id, {});
    expect(retried).toMatchObject({
      status: "queued",
      run: 2,
      restart_from: "make",
      current_stage: "make",
      progress_percentage: 33,
    });
    for (const gone of ["error_info", "completed_at", "build_summary"])
      expect(retried).not.toHaveProperty(gone);
    expect(statuses(retried)).toBe("completed failed pending");
    const project = await owner.claim();
    expect(statuses(project)).toBe("completed pending pending");
    // The first write says so in the item, and forgets where to start.
    const begun = await owner.report([{ event: "started", stage: "make" }]);
    expect(begun).not.toHaveProperty("restart_from");
    expect(begun.lease).not.toHaveProperty("fresh");
    expect(begun.lease).not.toHaveProperty("claim_id");
    expect(stageOf(begun, "plan").output_data.artifacts).toEqual(["plan.txt"]);
    expect(stageOf(begun, "make")).toMatchObject({
      attempt: 2,
      history: [{ attempt: 1, status: "failed", code: "STAGE_FAILED" }],
    });
  });

  it("from a named stage, by an old name too, opens it and all after it", async () => {
    const { other, owner, id } = await failedAt("check");
    await other.control.retry(id, { from_stage: "plan" });
    expect(statuses(await owner.claim())).toBe("pending pending pending");
    const aliased = await aLeaseOwner([{ stage: "tools_developer" }, { stage: "agent_code_developer" }]);
    await aliased.claim();
    await aliased.report([
      { event: "started", stage: "tool_developer" },
      { event: "completed", stage: "tools_developer" },
      { event: "started", stage: "code_developer" },
      { event: "completed", stage: "agent_developer" },
    ]);
    const again = await aliased.repository.control.retry(aliased.id, { from_stage: "code_developer" });
    expect(again).toMatchObject({ restart_from: "agent_code_developer", progress_percentage: 50 });
    await expect(aliased.repository.control.retry(aliased.id, { from_stage: "none" })).rejects.toMatchObject({
      code: "PROJECT_CONFLICT",
    });
  });

  it("remembers where it was to start when it is cancelled before anybody began", async () => {
    const { other, owner, id } = await failedAt("check");
    await other.control.retry(id, { from_stage: "make" });
    expect((await other.control.cancel(id)).restart_from).toBe("make");
    const again = await other.control.retry(id, {});
    expect(again).toMatchObject({ run: 3, restart_from: "make", current_stage: "make" });
    expect(statuses(await owner.claim())).toBe("completed pending pending");
    const begun = await owner.report([{ event: "started", stage: "make" }]);
    // Opened once, whatever the number of retries.
    expect(stageOf(begun, "make").history).toHaveLength(1);
    expect(stageOf(begun, "check").history).toHaveLength(1);
  });

  it("may start elsewhere when it is cancelled and tried again", async () => {
    const { other, owner, id } = await failedAt("check");
    await other.control.retry(id, { from_stage: "plan" });
    await other.control.cancel(id);
    await expect(other.control.retry(id, { from_stage: "nowhere" })).rejects.toMatchObject({
      code: "STAGE_NOT_FOUND",
    });
    expect(await other.control.retry(id, { from_stage: "check" })).toMatchObject({ restart_from: "check" });
    expect(statuses(await owner.claim())).toBe("completed completed pending");
  });

  it("shows a stage that still ran at a cancellation as cancelled until it is opened", async () => {
    const { other, owner, id } = await building();
    await other.control.cancel(id);
    expect(statuses(await other.control.retry(id, {}))).toBe("cancelled pending pending");
    // Nobody runs it: what it made may be recorded.
    await other.artifacts.record(id, "plan", [{ path: "a" }], "add");
    expect(statuses(await owner.claim())).toBe("pending pending pending");
    const begun = await owner.report([{ event: "started", stage: "plan" }]);
    expect(stageOf(begun, "plan").history).toMatchObject([{ attempt: 1, status: "cancelled" }]);
  });

  it("with another input says which run began with it, and with the same input leaves that as it was", async () => {
    const { other, id } = await failedAt("make");
    expect((await other.control.retry(id, { input: { n: 1, list: [{ a: 1, b: 2 }] } })).input_run).toBe(2);
    await other.control.cancel(id);
    const same = await other.control.retry(id, { input: { list: [{ b: 2, a: 1 }], n: 1 } });
    expect(same).toMatchObject({ run: 3, input_run: 2, input: { n: 1, list: [{ a: 1, b: 2 }] } });
    await other.control.cancel(id);
    const large = { text: "x".repeat(20_000) };
    expect(await other.control.retry(id, { input: large })).toMatchObject({ run: 4, input_run: 4 });
    await other.control.cancel(id);
    expect(await other.control.retry(id, { input: large })).toMatchObject({ run: 5, input_run: 4 });
  });

  it("names a pipeline anew, and with it who runs the project", async () => {
    const store = new MemoryProjectStore();
    const { repository } = aRepository(store);
    const made = await repository.control.create({ requirement: "r" }, { pipeline: "own", stages: STAGES });
    expect(made.work_queue).toMatch(/^external#p3#/);
    const stale = aRepository(store).repository;
    await repository.control.pause(made.project_id);
    await stale.get(made.project_id);
    await repository.control.cancel(made.project_id);
    const pipeline = { name: "agent-build", version: "7" };
    const retried = await repository.control.retry(made.project_id, { pipeline });
    expect(retried).toMatchObject({ pipeline: "agent-build", pipeline_version: "7" });
    expect(retried.work_queue).toMatch(/^agent_builds#p3#/);
    await repository.control.pause(made.project_id);
    // A process that still believes the old run to be paused does not send the new one to the old queue.
    expect((await stale.control.resume(made.project_id)).work_queue).toBe(retried.work_queue);
  });

  it("keeps what was recorded for a stage that never ran", async () => {
    const { other, owner, id } = await failedAt("plan");
    await other.artifacts.record(id, "check", [{ path: "input.csv" }], "add");
    await other.control.retry(id, {});
    expect(stageOf(await owner.claim(), "check").output_data.artifacts).toEqual(["input.csv"]);
  });
});

describe("a creation", () => {
  it("under one key is one project, whoever repeats it, and another user's is another", async () => {
    const store = new MemoryProjectStore();
    const plan = { pipeline: "test", pipeline_version: "1", stages: STAGES };
    const request = { requirement: "r", user_id: "a", idempotency_key: "k", tags: ["x"] };
    const repositories = Array.from({ length: 5 }, () => aRepository(store).repository);
    const made = await Promise.all(repositories.map((one) => one.control.create(request, plan)));
    expect(new Set(made.map((project) => project.project_id)).size).toBe(1);
    const [first] = repositories;
    const theirs = await first?.control.create({ ...request, user_id: "b" }, plan);
    expect(theirs?.project_id).not.toBe(made[0]?.project_id);
    // The order of fields is no difference, a field more is.
    const turned = { tags: ["x"], idempotency_key: "k", requirement: "r", user_id: "a" };
    expect((await first?.control.create(turned, plan))?.project_id).toBe(made[0]?.project_id);
    await expect(first?.control.create({ ...request, priority: 1 }, plan)).rejects.toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
    });
  });
});

describe("artifacts recorded between a retry and its first write", () => {
  it("leave the progress where the retry put it", async () => {
    const owner = await aLeaseOwner(["plan", "make"].map((stage) => ({ stage })));
    await owner.claim();
    for (const stage of ["plan", "make"])
      await owner.report([
        { event: "started", stage },
        { event: "completed", stage },
      ]);
    const { repository, id } = owner;
    expect(await repository.control.retry(id, { from_stage: "make" })).toMatchObject({
      progress_percentage: 50,
    });
    const recorded = await repository.artifacts.record(id, "plan", [{ path: "late.txt" }], "add");
    expect(recorded).toMatchObject({ progress_percentage: 50, current_stage: "make", status: "queued" });
  });
});

describe("late files of deleted builds", () => {
  it("are removed though old logs cannot be sealed, which is reported", async () => {
    const { repository, artifacts, logs } = aRepository(new MemoryProjectStore());
    const { project_id } = await repository.control.create({ requirement: "x" }, { stages: STAGES });
    await repository.control.cancel(project_id);
    await repository.control.delete(project_id);
    const late = { project_id, stage: "plan", attempt: 1, path: "late" };
    await artifacts.put(late, Buffer.from("x"));
    const problem = new Error("no log can be read");
    logs.sealOld = async () => {
      throw problem;
    };
    const errors: unknown[] = [];
    expect(await repository.control.purgeDeleted((error) => errors.push(error))).toBe(1);
    expect(errors).toEqual([problem]);
    expect(await artifacts.get(late)).toBeUndefined();
  });

  it("of a project whose remover ended in between are removed", async () => {
    const { repository, artifacts } = aRepository(new MemoryProjectStore());
    const { project_id } = await repository.control.create(
      { requirement: "r" },
      { stages: [{ stage: "one" }] },
    );
    const made = { project_id, stage: "one", attempt: 1, path: "made" };
    await artifacts.put(made, Buffer.from("x"));
    artifacts.removeProject = () => Promise.reject(new Error("the process has ended"));
    await expect(repository.control.delete(project_id)).rejects.toThrow("the process has ended");
    await expect(repository.get(project_id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
    const onError = (error: unknown) => expect(error).toBeUndefined();
    expect(await repository.control.purgeDeleted(onError)).toBe(1);
    expect(await artifacts.get(made)).toBeUndefined();
  });

  it("of sessions are removed once there is no such session", async () => {
    const { repository, artifacts } = aRepository(new MemoryProjectStore());
    const late = (n: number) => ({
      project_id: `sess_${String(n).repeat(32)}`,
      stage: "made",
      attempt: 1,
      path: "late",
    });
    for (const n of [1, 2]) {
      await artifacts.removeProject(late(n).project_id);
      await artifacts.put(late(n), Buffer.from("x"));
    }
    const onError = (error: unknown) => expect(error).toBeUndefined();
    const there = async () => new Set([late(1).project_id]);
    expect(await repository.control.purgeDeleted(onError, there)).toBe(1);
    expect(await artifacts.get(late(1))).toBeDefined();
    expect(await artifacts.get(late(2))).toBeUndefined();
  });
});
