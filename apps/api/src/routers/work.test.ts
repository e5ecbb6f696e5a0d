import { type Item, MemoryProjectStore, newProjectId } from "@stagefold/core";
import { describe, expect, it, vi } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { Reading } from "../../test/reading.ts";
import { refusal } from "../../test/refusal.ts";
import { toStagefoldError } from "../errors.ts";
import { createWatch } from "../watch/index.ts";

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

  it("takes a plain path for an artifact, and says what is wrong with a described one", async () => {
    const { projects, work, artifacts } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", stages: OWN_STAGES });
    const claimed = await work.claim({ owner: "p" });
    const { lease_token, lease_seq } = claimed ?? expect.fail("there is work");
    const stage = OWN_STAGES[0]?.stage ?? "";
    const given = { project_id, lease_token, lease_seq: lease_seq + 1 };
    const refused = work.report({
      ...given,
      events: [{ event: "completed", stage, artifacts: [{ path: "a.md", size: "3" as never }] }],
    });
    const { message } = toStagefoldError(await refused.catch((error: unknown) => error));
    expect(message).toMatch(/events\.0\.artifacts\.0\.size: .*expected number/);
    await work.report({
      ...given,
      events: [
        { event: "started", stage },
        { event: "completed", stage, artifacts: ["a.md", { path: "b.md", size: 3 }] },
      ],
    });
    const { items } = await artifacts.listByProject({ project_id });
    expect(items.map(({ path, size }) => ({ path, size }))).toEqual([
      { path: "a.md" },
      { path: "b.md", size: 3 },
    ]);
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

  it("records a build whose lease owners all died as failed, instead of giving it out once more", async () => {
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

  it("renews a lease and tells its lease owner of a pause, and of the end when it holds nothing any more", async () => {
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

  it("gives a lease back, and what ran waits for the next lease owner", async () => {
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

describe("work.claim with what it cannot give out", () => {
  /** An item as somebody edited it by hand, due before everything else. */
  async function poison(store: MemoryProjectStore, from: string, change: Item) {
    const item = { ...(await store.get(from)), project_id: newProjectId(), ...change };
    const { project_id } = item;
    await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
    return project_id;
  }
  const POISONED: Item[] = [
    { lease: "held" },
    { lease: [] },
    { stages_snapshot: "{" },
    { stages_snapshot: { total: 1, completed: 0, stages: [JSON.parse('{"stage":"__proto__"}')] } },
    { stages_snapshot: 7, work_due_at: "2020-01-01T00:00:00.000Z" },
    { lease_token: "x" },
    { status: "lost" },
    { schema_version: 99 },
  ];

  it("W1: poisoned projects at the head keep none behind them from being claimed, listed, counted or watched", async () => {
    const store = new MemoryProjectStore();
    const deps = memoryDeps(store);
    const put: string[] = [];
    const caller = callerOf({ ...deps, onUnclaimable: (id) => put.push(id) });
    const { projects, work, stats } = caller;
    const first = await projects.create({
      requirement: "x",
      pipeline: "mine",
      priority: 1,
      stages: OWN_STAGES,
    });
    const due = { work_due_at: "2024-01-01T00:00:00.000Z" };
    const poisoned: string[] = [];
    for (const change of POISONED)
      for (let n = 0; n < 20; n++)
        poisoned.push(await poison(store, first.project_id, { ...due, ...change }));
    await projects.delete({ project_id: first.project_id });
    const watching = new Reading((signal) => createWatch(deps).list.watch({}, { signal }));
    const change = watching.next();
    const good = await projects.create({
      requirement: "good",
      pipeline: "mine",
      priority: 3,
      stages: OWN_STAGES,
    });
    expect((await change).change).toMatchObject({ kind: "changed" });
    await watching.stop();
    const claimed = await work.claim({ owner: "p" });
    expect(claimed?.project.project_id).toBe(good.project_id);
    expect(await work.claim({ owner: "p" })).toBeNull();
    expect(new Set(put).size).toBe(put.length);
    expect(await projects.get({ project_id: good.project_id })).toMatchObject({ status: "building" });
    const listed: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await projects.list({ limit: 100, cursor });
      listed.push(...page.items.map(({ project_id }) => project_id));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(listed).toContain(good.project_id);
    expect((await stats.overview()).by_status.building).toBeGreaterThanOrEqual(1);
    expect((await stats.builds({ days: 3 })).all.total).toBeGreaterThanOrEqual(1);
    for (const project_id of poisoned)
      expect(["SNAPSHOT_UNREADABLE", undefined]).toContain(
        await projects.get({ project_id }).then(
          () => undefined,
          (error: unknown) => toStagefoldError(error).code,
        ),
      );
  });

  it("W4: work of one pipeline is found behind thousands of others', at the same cost", async () => {
    const costs: number[] = [];
    for (const others of [10, 2000]) {
      const store = new MemoryProjectStore();
      const { projects, work } = callerOf(memoryDeps(store));
      for (let i = 0; i < others; i++)
        await projects.create({ requirement: "x", pipeline: "A", stages: OWN_STAGES });
      const wanted = await projects.create({ requirement: "x", pipeline: "B", stages: OWN_STAGES });
      const due = vi.spyOn(store, "due");
      expect(await work.claim({ owner: "p", pipelines: ["B"] })).toMatchObject({
        project: { project_id: wanted.project_id },
      });
      const pages = await Promise.all(due.mock.results.map(({ value }) => value));
      costs.push(due.mock.calls.length + pages.flat().length);
    }
    expect(costs[1]).toBe(costs[0]);
  });

  it("W4: when the first wanted row is refused, the second is given out", async () => {
    const store = new MemoryProjectStore();
    const { projects, work } = callerOf(memoryDeps(store));
    const first = await projects.create({ requirement: "x", pipeline: "B", stages: OWN_STAGES });
    const second = await projects.create({ requirement: "x", pipeline: "B", stages: OWN_STAGES });
    const due = store.due.bind(store);
    // An index that lags: the first is cancelled already.
    const before = await due(String(first.work_queue), "9999", 10);
    await projects.cancel({ project_id: first.project_id });
    vi.spyOn(store, "due").mockImplementation(async (queue, ...rest) => [
      ...(queue === first.work_queue ? before.filter((row) => row.project_id === first.project_id) : []),
      ...(await due(queue, ...rest)),
    ]);
    expect(await work.claim({ owner: "p", pipelines: ["B"] })).toMatchObject({
      project: { project_id: second.project_id },
    });
  });

  it("L4: a claim repeated under its operation_id is the same claim, also through another process", async () => {
    const store = new MemoryProjectStore();
    const [here, elsewhere] = [callerOf(memoryDeps(store)), callerOf(memoryDeps(store))];
    for (let i = 0; i < 3; i++) await here.projects.create({ requirement: "x", stages: OWN_STAGES });
    const claim = { owner: "p", operation_id: "op-1" };
    const first = await here.work.claim(claim);
    const again = await elsewhere.work.claim(claim);
    expect(first).not.toBeNull();
    expect(again).toEqual(first);
    const other = await here.work.claim({ ...claim, owner: "q" });
    expect(other?.project.project_id).not.toBe(first?.project.project_id);
    // What readers see of the claim does not let them ask for its token.
    const seen = JSON.stringify(await here.projects.get({ project_id: String(first?.project.project_id) }));
    expect(seen).not.toContain("op-1");
    const lease = first?.project.lease;
    const asked = await here.work.claim({ owner: "p", operation_id: String(lease?.claim_id) });
    expect(asked?.project.project_id).not.toBe(first?.project.project_id);
  });
});
