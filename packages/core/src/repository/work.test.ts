import { describe, expect, it } from "vitest";
import { aLeaseOwner, type LeaseOwner, stageOf } from "../../test/lease-owner.ts";
import { type ReportEventInput, reportEventSchema } from "../project/events.ts";
import { textsOf } from "../snapshot/log-line.ts";
import { aRepository } from "../testing/builders.ts";
import { Repository } from "./repository.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const start: ReportEventInput = { event: "started", stage: "plan" };

/** The lease owner dies: nothing more is heard of it until its lease and the grace are over. */
function dies(owner: LeaseOwner): void {
  owner.clock.advance(66_000);
}

describe("a build that workers cannot run", () => {
  const notRun = { code: "WORKER_LOST" as const, reason: "no process can be started" };
  const giveBack = (owner: LeaseOwner) => owner.report([], notRun);

  it("W2: goes back to the queue, and its history names worker and reason", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim("w1");
    await owner.report([start]);
    const project = await giveBack(owner);
    expect(project).toMatchObject({ status: "queued", work_due_at: owner.repository.now() });
    expect(project.lease).toEqual({ claims: 0, not_run_by: ["w1"] });
    const message = "w1 could not run this stage: no process can be started";
    expect(stageOf(project, "plan")).toMatchObject({
      status: "pending",
      history: [{ attempt: 1, status: "failed", code: "WORKER_LOST", error_message: message }],
    });
  });

  it("W2: fails after three different workers, with the reason, and never because of one alone", async () => {
    const owner = await aLeaseOwner(STAGES);
    for (const worker of ["w1", "w1", "w1", "w1", "w1", "w2"]) {
      expect((await owner.claim(worker)).status).toBe("building");
      await owner.report([start]);
      expect((await giveBack(owner)).status).toBe("queued");
    }
    await owner.claim("w3");
    await owner.report([start]);
    const failed = await giveBack(owner);
    const message = "3 workers could not run this build. The last one, w3: no process can be started";
    expect(failed).toMatchObject({
      status: "failed",
      error_info: { stage: "plan", code: "WORKER_LOST", message },
      lease: { claims: 0 },
    });
    expect(stageOf(failed, "plan")).toMatchObject({ status: "failed", error_code: "WORKER_LOST" });
    expect(stageOf(failed, "plan").history).toHaveLength(7);
    await owner.repository.control.retry(owner.id, {});
    expect((await owner.claim("w3")).lease.not_run_by).toBeUndefined();
  });

  it("W2: does not fail because of a store that is away, which counts for no worker and clears none", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim("w1");
    await owner.report([start]);
    await giveBack(owner);
    for (const worker of ["w2", "w3", "w4", "w5"]) {
      await owner.claim(worker);
      await owner.report([start]);
      const project = await owner.report([], { ...notRun, storeIsAway: true });
      expect(project).toMatchObject({ status: "queued", lease: { not_run_by: ["w1"] } });
      expect(stageOf(project, "plan").history.at(-1)?.error_message).toContain(
        `${worker} could not run this stage`,
      );
    }
  });

  it("W2: a stage that runs in between begins the count anew", async () => {
    const owner = await aLeaseOwner(STAGES);
    for (const worker of ["w1", "w2"]) {
      await owner.claim(worker);
      await giveBack(owner);
    }
    await owner.claim("w3");
    await owner.report([start, { event: "progress", stage: "plan", progress: 5 }]);
    expect((await giveBack(owner)).lease).toEqual({ claims: 0, not_run_by: ["w3"] });
  });
});

describe("claims in a row", () => {
  it("give a build up after three deaths in one stage", async () => {
    const owner = await aLeaseOwner(STAGES);
    for (let death = 1; death <= 3; death++) {
      const project = await owner.claim(`w${death}`);
      expect(project.lease.claims).toBe(death);
      await owner.report([start]);
      dies(owner);
    }
    const given = await owner.claim("w4");
    expect(given).toMatchObject({
      status: "failed",
      error_info: { stage: "plan", code: "STAGE_STALLED" },
      lease: { claims: 0 },
    });
    // Recorded by a report of nothing.
    const project = await owner.report([]);
    expect(project).toMatchObject({ status: "failed", error_info: { code: "STAGE_STALLED" } });
    expect(project.work_queue).toBeUndefined();
    const plan = stageOf(project, "plan");
    expect(plan).toMatchObject({ status: "failed", error_code: "STAGE_STALLED", attempt: 3 });
    expect(plan.history.map((entry) => entry.code)).toEqual(["WORKER_LOST", "WORKER_LOST", "WORKER_LOST"]);
    // A retry begins to count anew.
    await owner.repository.control.retry(owner.id, {});
    expect(await owner.claim()).toMatchObject({ status: "building", lease: { claims: 1 } });
  });

  it("give a build up whose workers die before they start anything", async () => {
    const owner = await aLeaseOwner(STAGES);
    for (let death = 1; death <= 3; death++) {
      expect((await owner.claim()).status).toBe("building");
      dies(owner);
    }
    expect(await owner.claim()).toMatchObject({ status: "failed", error_info: { stage: "plan" } });
    expect((await owner.report([])).stages_snapshot.stages.map((stage) => stage.status)).toEqual([
      "pending",
      "pending",
      "pending",
    ]);
  });

  it.each<[string, (owner: LeaseOwner) => Promise<unknown>]>([
    ["progress", (owner) => owner.report([{ event: "progress", stage: "plan", progress: 1 }])],
    [
      "a finished stage",
      (owner) =>
        owner.report([
          { event: "completed", stage: "plan" },
          { event: "started", stage: "make" },
        ]),
    ],
    [
      "a failure to be tried again",
      async (owner) => {
        await owner.report([{ event: "failed", stage: "plan", message: "x", retry_in_seconds: 0 }]);
        await owner.claim();
        await owner.report([start]);
      },
    ],
    [
      "a release",
      async (owner) => {
        await owner.report([], true);
        await owner.claim();
        await owner.report([start]);
      },
    ],
  ])("begin anew after %s", async (_name, progress) => {
    const owner = await aLeaseOwner(STAGES);
    for (let death = 1; death <= 3; death++) {
      await owner.claim();
      await owner.report([start]);
      if (death < 3) dies(owner);
    }
    await progress(owner);
    dies(owner);
    const project = await owner.claim();
    expect(project).toMatchObject({ status: "building", lease: { claims: 2 } });
  });

  it("completes a build that has nothing left to run", async () => {
    const owner = await aLeaseOwner(STAGES);
    const done = { status: "completed", artifacts: [] };
    await owner.store.write({
      kind: "update",
      transition: "upgrade",
      project_id: owner.id,
      guards: [],
      edits: [
        {
          op: "set",
          path: ["stages_snapshot"],
          value: { stages: STAGES.map((one) => ({ ...one, ...done })) },
        },
        { op: "remove", path: ["schema_version"] },
      ],
    });
    await owner.repository.control.resume(owner.id);
    expect((await owner.claim()).status).toBe("completed");
    expect(await owner.report([])).toMatchObject({ status: "completed", stages_snapshot: { completed: 3 } });
  });

  it("opens what an older form left failed in a project that continues", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.store.write({
      kind: "update",
      transition: "upgrade",
      project_id: owner.id,
      guards: [],
      edits: [
        { op: "set", path: ["status"], value: "paused" },
        { op: "set", path: ["stages_snapshot"], value: { stages: [{ stage: "plan", status: "error" }] } },
        { op: "remove", path: ["schema_version"] },
      ],
    });
    await owner.repository.control.resume(owner.id);
    await owner.claim();
    const project = await owner.report([start]);
    expect(stageOf(project, "plan")).toMatchObject({ attempt: 2, history: [{ status: "failed" }] });
  });
});

describe("a claim", () => {
  it("is given to one of two that ask under the same name at the same moment", async () => {
    const owner = await aLeaseOwner(STAGES);
    const { work_queue } = await owner.repository.get(owner.id);
    const other = aRepository(owner.store, owner.clock).repository;
    // Another process: its claims have names of their own.
    const apart = new Repository({ ...owner, store: owner.store, clock: owner.clock });
    const claims = await Promise.all([
      owner.repository.work.claim(owner.id, "program", work_queue),
      owner.repository.work.claim(owner.id, "program", work_queue),
      apart.work.claim(owner.id, "program", work_queue),
      apart.work.claim(owner.id, "program", work_queue),
    ]);
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    expect((await other.get(owner.id)).lease.claims).toBe(1);
  });

  it("waits until the work is due", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    await owner.report([{ event: "failed", stage: "plan", message: "x", retry_in_seconds: 90 }]);
    const { work_queue } = await owner.repository.get(owner.id);
    owner.clock.advance(89_999);
    expect(await owner.repository.work.due("agent_builds", 5)).toEqual([]);
    expect(await owner.repository.work.claim(owner.id, "w", work_queue)).toBeUndefined();
    owner.clock.advance(1);
    expect(await owner.repository.work.due("agent_builds", 5)).toMatchObject([{ project_id: owner.id }]);
    expect(await owner.repository.work.claim(owner.id, "w", work_queue)).toBeDefined();
  });

  it("without a queue takes a project with stages of its own, and none of a pipeline", async () => {
    const owner = await aLeaseOwner(STAGES);
    const { repository } = owner;
    expect(await repository.work.claim(owner.id, "program")).toBeUndefined();
    const own = await repository.control.create({ requirement: "r" }, { pipeline: "mine", stages: STAGES });
    expect((await repository.work.claim(own.project_id, "program"))?.project.status).toBe("building");
  });
});

describe("a lease owner's numbers", () => {
  it("are above that of its claim: a write that never was is not taken for a repeat", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    const { lease_token, lease_seq } = owner.key;
    const same = { project_id: owner.id, lease_token, lease_seq, events: [reportEventSchema.parse(start)] };
    await expect(owner.repository.work.report(same)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(stageOf(await owner.repository.get(owner.id), "plan").status).toBe("pending");
  });

  it("outlast others who write meanwhile by right", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    const others = Array.from({ length: 4 }, () => aRepository(owner.store, owner.clock).repository);
    // Three times the lease owner's write comes after several of others, of which it knows nothing.
    const write = owner.store.write.bind(owner.store);
    let recorded = 0;
    owner.store.write = async (patch) => {
      if (patch.transition === "report" && recorded < 9)
        for (const other of others.slice(1))
          await other.artifacts.record(owner.id, "check", [{ path: `f${recorded++}` }], "add");
      return await write(patch);
    };
    const project = await owner.report([{ event: "progress", stage: "plan", progress: 7 }]);
    expect(stageOf(project, "plan").progress).toBe(7);
    expect(stageOf(project, "check").output_data.artifacts).toHaveLength(9);
  });

  it("are not above it for a claim of old when the clock goes backwards", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    const before = await owner.item();
    owner.clock.advance(-30_000);
    // The lease is not shortened, and not lost either.
    const beat = await owner.repository.work.heartbeat(owner.id, owner.key.lease_token);
    expect(beat.expires_at).toBe("2026-01-01T00:01:00.000Z");
    expect(await owner.item()).toEqual(before);
    await owner.report([{ event: "completed", stage: "plan" }]);
    expect((await owner.repository.get(owner.id)).lease_token).toBe(owner.key.lease_token);
  });
});

describe("the log", () => {
  it("never shows the lines of a write that was refused, whatever number the next one has", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    const { repository, store, artifacts, logs, clock, id } = owner;
    const { lease_token, lease_seq } = owner.key;
    // Another process pauses: this one decides from what it knew, and is refused.
    await new Repository({ store, artifacts, logs, clock }).control.pause(id);
    const lines: ReportEventInput = { event: "log", stage: "plan", lines: ["one", "two"] };
    const done: ReportEventInput = { event: "completed", stage: "plan" };
    const send = (number: number, given: ReportEventInput[]) =>
      repository.work.report({
        project_id: id,
        lease_token,
        lease_seq: lease_seq + number,
        events: given.map((event) => reportEventSchema.parse(event)),
      });
    await expect(send(1, [lines, done, { event: "started", stage: "make" }])).rejects.toMatchObject({
      code: "PROJECT_CONFLICT",
    });
    const project = await send(2, [lines, done]);
    const ref = { project_id: id, stage: "plan", attempt: 1 };
    const upTo = stageOf(project, "plan").log_seq ?? 0;
    expect(textsOf((await logs.read(ref, { limit: 10, upTo })).lines)).toEqual(["one", "two"]);
  });
});

describe("work that a clock ahead of this one has written", () => {
  it("L19: is claimed when its due time is known to be wrong, and only then", async () => {
    const owner = await aLeaseOwner(STAGES);
    const { repository, clock } = owner;
    clock.advance(3_600_000);
    const made = await repository.control.create(
      { requirement: "r" },
      { pipeline: "test", pipeline_version: "1", stages: STAGES },
    );
    clock.advance(-3_600_000);
    const { project_id: id, work_queue, work_due_at: dueBy } = made;
    expect(await repository.work.claim(id, "w", work_queue)).toBeUndefined();
    expect(await repository.work.claim(id, "w", work_queue, { dueBy })).toMatchObject({
      project: { status: "building" },
    });
    // A lease that lives is not taken by that.
    expect(
      await repository.work.claim(id, "v", work_queue, { dueBy: "9999-01-01T00:00:00.000Z" }),
    ).toBeUndefined();
  });
});
