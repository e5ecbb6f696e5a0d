import { describe, expect, it } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";

describe("work.claim", () => {
  it("gives out projects with stages of their own, and never one of a built-in pipeline", async () => {
    const { projects, work } = callerOf(memoryDeps());
    const builtIn = await projects.create({ requirement: "x" });
    expect(await work.claim({ owner: "p" })).toBeNull();
    expect(await work.claim({ owner: "p", project_id: builtIn.project_id })).toBeNull();
    const own = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    const claimed = await work.claim({ owner: "p" });
    expect(claimed).toMatchObject({ project: { project_id: own.project_id, status: "building" } });
    expect(claimed?.lease_token).toBeGreaterThan(0);
    expect(await work.claim({ owner: "p" })).toBeNull();
  });

  it("looks past work of other pipelines, however much of it is due", async () => {
    const { projects, work } = callerOf(memoryDeps());
    for (let i = 0; i < 30; i++)
      await projects.create({ requirement: `x${i}`, pipeline: "theirs", priority: 1, stages: OWN_STAGES });
    const mine = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    expect(await work.claim({ owner: "p", pipelines: ["nobody's"] })).toBeNull();
    expect(await work.claim({ owner: "p", pipelines: ["mine"] })).toMatchObject({
      project: { project_id: mine.project_id },
    });
  });

  it("W4: finds one pipeline's work behind 2,000 builds of another, and a second one where the first is refused", async () => {
    const deps = memoryDeps();
    const { projects, work } = callerOf(deps);
    for (let i = 0; i < 2000; i++)
      await projects.create({ requirement: `x${i}`, pipeline: "theirs", stages: OWN_STAGES });
    expect(await work.claim({ owner: "p", pipelines: ["mine"] })).toBeNull();
    const [first, second] = [
      await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES }),
      await projects.create({ requirement: "y", pipeline: "mine", stages: OWN_STAGES }),
    ];
    // Another program is quicker: its claim is not in the rows that were read.
    const due = deps.repository.store.due.bind(deps.repository.store);
    deps.repository.store.due = async (...query) => {
      const rows = await due(...query);
      await deps.repository.work.claim(first.project_id, "another", first.work_queue);
      return rows;
    };
    expect(await work.claim({ owner: "p", pipelines: ["mine"] })).toMatchObject({
      project: { project_id: second.project_id },
    });
  });

  it("W1: a project that cannot be read keeps no program from the work behind it", async () => {
    const unclaimable: string[] = [];
    const deps = memoryDeps();
    const { projects, work } = callerOf({ ...deps, onUnclaimable: (id: string) => unclaimable.push(id) });
    const good = await projects.create({ requirement: "x", stages: OWN_STAGES });
    const item = await deps.repository.store.get(good.project_id);
    const bad = Array.from({ length: 120 }, (_, n) => `proj_${n.toString(16).padStart(12, "0")}`);
    for (const project_id of bad) {
      const work_queue = good.work_queue?.replace("#p3#", "#p1#");
      const damaged = { ...item, project_id, work_queue, stages_snapshot: { stages: [{ stage: 7 }] } };
      const put = { kind: "put", transition: "import", project_id, guards: [] } as const;
      await deps.repository.store.write({ ...put, item: damaged });
    }
    expect((await work.claim({ owner: "p" }))?.project.project_id).toBe(good.project_id);
    expect(await work.claim({ owner: "p" })).toBeNull();
    expect(new Set(unclaimable).size).toBe(unclaimable.length);
    expect(unclaimable.length).toBe(bad.length);
  });

  it("takes a named project, of a named pipeline when both are given, and says when there is none", async () => {
    const { projects, work } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    expect(await work.claim({ owner: "p", project_id, pipelines: ["other"] })).toBeNull();
    expect(await work.claim({ owner: "p", project_id, pipelines: ["mine"] })).not.toBeNull();
    expect(await refusal(work.claim({ owner: "p", project_id: "proj_000000000000" }))).toMatchObject({
      code: "PROJECT_NOT_FOUND",
    });
  });

  it("records a build whose holders all died as failed, instead of giving it out once more", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const program = await Program.begin(caller);
    const { project_id } = program;
    await program.report({ event: "started", stage: "one" });
    for (let death = 1; death < 5; death++) {
      deps.clock.pass(600);
      const claimed = await caller.work.claim({ owner: "p", project_id });
      if (!claimed) break;
      const { lease_token, lease_seq } = claimed;
      const events = [{ event: "started" as const, stage: "one" }];
      await caller.work.report({ project_id, lease_token, lease_seq: lease_seq + 1, events });
    }
    expect(await caller.projects.get({ project_id })).toMatchObject({
      status: "failed",
      error_info: { stage: "one", code: "STAGE_STALLED" },
    });
  });
});

describe("work.report, heartbeat, release", () => {
  it("takes a build to its end", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    await program.report({ event: "started", stage: "one", agent_name: "me" });
    await program.report({ event: "progress", stage: "one", progress: 40 });
    await program.report(
      {
        event: "completed",
        stage: "one",
        output: { answer: 42 },
        metrics: { tool_calls: 2 },
        artifacts: [{ path: "a" }],
      },
      { event: "started", stage: "two" },
    );
    const done = await program.report({ event: "skipped", stage: "two", reason: "not needed" });
    expect(done).toMatchObject({
      status: "completed",
      progress_percentage: 100,
      build_summary: { tool_calls: 2, artifacts: 1 },
      stages_snapshot: {
        completed: 2,
        stages: [{ output_data: { answer: 42, artifacts: ["a"] } }, { status: "skipped" }],
      },
    });
  });

  it("writes all events of a report or none of them", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    const refused = program.report({ event: "started", stage: "one" }, { event: "completed", stage: "two" });
    expect(await refusal(refused)).toMatchObject({ code: "STAGE_CONFLICT" });
    const project = await caller.projects.get({ project_id: program.project_id });
    expect(project.stages_snapshot.stages[0]).toMatchObject({ status: "pending", attempt: 0 });
  });

  it("recognises a report that was sent twice, and refuses a number that was used for another", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    const first = await program.report({ event: "started", stage: "one" });
    await program.report({ event: "progress", stage: "one", progress: 10 });
    program.seq -= 1;
    const twice = await program.report({ event: "progress", stage: "one", progress: 10 });
    expect(twice.revision).toBe(first.revision + 1);
    program.seq -= 2;
    expect(await refusal(program.report({ event: "progress", stage: "one", progress: 90 }))).toMatchObject({
      code: "LEASE_LOST",
    });
  });

  it("renews a lease and tells its holder of a pause, and of the end when it holds nothing any more", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const { project_id, lease_token } = await Program.begin(caller);
    deps.clock.pass(20);
    const beat = await caller.work.heartbeat({ project_id, lease_token });
    expect(beat).toEqual({ expires_at: "2025-06-01T10:01:20.000Z", status: "building" });
    await caller.projects.pause({ project_id });
    deps.clock.pass(1);
    expect(await caller.work.heartbeat({ project_id, lease_token })).toMatchObject({ status: "paused" });
    await caller.projects.cancel({ project_id });
    deps.clock.pass(1);
    expect(await refusal(caller.work.heartbeat({ project_id, lease_token }))).toMatchObject({
      code: "LEASE_LOST",
    });
  });

  it("gives a lease back, and what ran waits for the next holder", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    const { project_id, lease_token } = program;
    await program.report({ event: "started", stage: "one" });
    const released = await caller.work.release({ project_id, lease_token, lease_seq: program.seq + 1 });
    expect(released).toMatchObject({
      status: "queued",
      stages_snapshot: { stages: [{ status: "pending", attempt: 1 }, {}] },
    });
    expect(await caller.work.claim({ owner: "next" })).not.toBeNull();
  });
});
