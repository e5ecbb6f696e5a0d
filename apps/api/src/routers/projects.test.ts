import { agentBuild } from "@stagefold/agent-build";
import { MemoryProjectStore, MemoryRecordStore } from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps, OWN_STAGES, twoSteps } from "../../test/fixture.ts";
import { refusal } from "../../test/refusal.ts";
import { createContextInner } from "../context.ts";
import { appRouter } from "./index.ts";

const NOWHERE = "proj_000000000000";

describe("projects.create", () => {
  it("plans the stages of the default pipeline, named in the language of the requirement", async () => {
    const { projects } = callerOf(memoryDeps());
    const english = await projects.create({ requirement: "Adds numbers" });
    const chinese = await projects.create({ requirement: "做一个计算器" });
    expect(english).toMatchObject({ status: "queued", pipeline: "agent-build", revision: 1 });
    expect(english.stages_snapshot.stages.map((stage) => stage.stage_name)).toContain(
      "Requirements analysis",
    );
    expect(chinese.stages_snapshot.stages.map((stage) => stage.stage_name)).toContain("需求分析");
    expect(english.work_queue).toMatch(/^agent_builds#/);
  });

  it("takes stages of the caller's own, which no pipeline runs", async () => {
    const { projects } = callerOf(memoryDeps());
    const project = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    expect(project.pipeline).toBe("mine");
    expect(project.pipeline_version).toBeUndefined();
    expect(project.work_queue).toMatch(/^external#/);
    expect(project.stages_snapshot.stages.map((stage) => stage.stage_name)).toEqual(["One", "two"]);
  });

  it("refuses a pipeline that is not there and names those that are", async () => {
    const { projects } = callerOf(memoryDeps());
    const error = await refusal(projects.create({ requirement: "x", pipeline: "No such" }));
    expect(error).toMatchObject({ code: "PIPELINE_NOT_FOUND", data: { pipeline: "No such" } });
    expect(error.message).toContain("two-steps");
  });

  it("makes one project of one idempotency key or one operation, and refuses another input under it", async () => {
    const { projects } = callerOf(memoryDeps());
    for (const key of [{ idempotency_key: "k" }, { operation_id: "op" }]) {
      const first = await projects.create({ requirement: "x", ...key });
      const again = await projects.create({ requirement: "x", ...key });
      expect(again.project_id).toBe(first.project_id);
      expect(await refusal(projects.create({ requirement: "y", ...key }))).toMatchObject({
        code: "IDEMPOTENCY_MISMATCH",
      });
    }
    expect((await projects.list()).items).toHaveLength(2);
  });

  it("keeps the trace that a build was made in, which is no part of what is asked for", async () => {
    const context = createContextInner(memoryDeps());
    const inTrace = (id: string) =>
      appRouter.createCaller({ ...context, traceparent: `00-${id.repeat(32)}-${id.repeat(16)}-01` }).projects;
    const first = await inTrace("a").create({ requirement: "x", idempotency_key: "k" });
    expect(first.traceparent).toBe(`00-${"a".repeat(32)}-${"a".repeat(16)}-01`);
    expect(await inTrace("b").create({ requirement: "x", idempotency_key: "k" })).toMatchObject({
      project_id: first.project_id,
      traceparent: first.traceparent,
    });
  });

  it("refuses fields that it does not know, so that no wish is dropped in silence", async () => {
    const { projects } = callerOf(memoryDeps());
    const misspelt = { requirement: "x", prioritty: 1 };
    expect(await refusal(projects.create(misspelt))).toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("the input of a build", () => {
  const site = definePipeline({
    name: "site",
    input: z.object({ url: z.url(), pages: z.int().max(9).default(3), review: z.boolean().default(false) }),
    limits: { tokens: 100, attempts: 5 },
    stages: [
      { stage: "make", command: "true" },
      { stage: "review", when: { review: true }, gate: { question: "Good?" } },
    ],
  });
  const both = definePipeline({
    ...site,
    name: "both",
    requirement: "required",
    stages: [{ stage: "x", command: "y" }],
  });
  const withSite = () => callerOf({ ...memoryDeps(), pipelines: createRegistry([twoSteps, site, both]) });

  it("is checked by the pipeline's schema, with its defaults, and decides which stages there are", async () => {
    const { projects, pipelines } = withSite();
    const url = "https://example.org";
    const made = await projects.create({ pipeline: "site", input: { url } });
    expect(made).toMatchObject({
      requirement: "",
      project_name: "site",
      input: { url, pages: 3, review: false },
      limits: { tokens: 100, attempts: 5 },
      spent: { tokens: 0 },
      stages_snapshot: { total: 1 },
    });
    const reviewed = await projects.create({
      pipeline: "site",
      input: { url, review: true },
      limits: { tokens: 500, attempts: 2, cost_usd: 1 },
    });
    expect(reviewed.stages_snapshot.total).toBe(2);
    // A build may have lower limits than its pipeline, and no higher ones.
    expect(reviewed.limits).toEqual({ tokens: 100, attempts: 2, cost_usd: 1 });
    const error = await refusal(projects.create({ pipeline: "site", input: { url: "nowhere", pages: 10 } }));
    expect(error).toMatchObject({ code: "INVALID_INPUT" });
    expect(error.message).toMatch(/input\.url: .*input\.pages: /);
    expect(await projects.input({ project_id: made.project_id })).toEqual({ input: made.input });
    const { items } = await pipelines.list();
    expect(items[1]).toMatchObject({
      requirement: "optional",
      input_schema: { type: "object", required: ["url"], properties: { pages: { default: 3 } } },
      stages: [{ kind: "command" }, { kind: "gate", when: { review: true } }],
    });
  });

  it("is needed where the pipeline says so, and refused where it takes none", async () => {
    const { projects } = withSite();
    const input = { url: "https://example.org" };
    for (const wrong of [
      { pipeline: "two-steps", requirement: "x", input },
      { pipeline: "two-steps" },
      { pipeline: "site", requirement: "x" },
      { pipeline: "both", input },
      { stages: OWN_STAGES },
    ])
      expect(await refusal(projects.create(wrong)), JSON.stringify(wrong)).toMatchObject({
        code: "INVALID_INPUT",
      });
    expect(await projects.create({ stages: OWN_STAGES, input: { any: [1] } })).toMatchObject({
      input: { any: [1] },
    });
    expect((await projects.create({ pipeline: "both", requirement: "x", input })).status).toBe("queued");
  });

  it("belongs to an idempotency key, whose second use says so", async () => {
    const deps = { ...memoryDeps(), pipelines: createRegistry([site]) };
    const { projects } = callerOf(deps);
    const request = { pipeline: "site", input: { url: "https://example.org" }, idempotency_key: "k" };
    const first = await projects.create(request);
    expect(first.again).toBeUndefined();
    deps.clock.pass(1);
    const again = await projects.create({ ...request, input: { ...request.input, pages: 3 } });
    expect(again).toMatchObject({ project_id: first.project_id, again: true });
    expect(
      await refusal(projects.create({ ...request, input: { ...request.input, pages: 4 } })),
    ).toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      message: expect.stringContaining("input"),
    });
    await projects.delete({ project_id: first.project_id });
    expect((await projects.create(request)).again).toBeUndefined();
  });

  it("is changed by a retry that keeps the build's stages", async () => {
    const { projects } = withSite();
    const url = "https://example.org";
    const { project_id } = await projects.create({ pipeline: "site", input: { url } });
    await projects.cancel({ project_id });
    expect(await refusal(projects.retry({ project_id, input: { url, pages: 99 } }))).toMatchObject({
      code: "INVALID_INPUT",
    });
    expect(await refusal(projects.retry({ project_id, input: { url, review: true } }))).toMatchObject({
      code: "PIPELINE_CHANGED",
    });
    expect(
      await projects.retry({ project_id, input: { url, pages: 1 }, limits: { tokens: 900 } }),
    ).toMatchObject({
      input: { url, pages: 1, review: false },
      input_run: 2,
      limits: { tokens: 900, attempts: 5 },
    });
  });
});

describe("several builds at once", () => {
  it("are made row by row, each answered by itself, and found again by their keys", async () => {
    const deps = memoryDeps();
    const { projects } = callerOf(deps);
    const rows = [
      { requirement: "a", idempotency_key: "1" },
      { requirement: "", idempotency_key: "2" },
      { requirement: "c", pipeline: "none" },
      { requirement: "d", stages: OWN_STAGES, idempotency_key: "4" },
    ];
    const { items } = await projects.createMany({ projects: rows });
    const codes = items.map((item) => ("error" in item ? item.error.code : item.project.status));
    expect(codes).toEqual(["queued", "INVALID_INPUT", "PIPELINE_NOT_FOUND", "queued"]);
    deps.clock.pass(1);
    const [first, , , fourth] = (await projects.createMany({ projects: rows })).items;
    expect([first, fourth]).toMatchObject([{ project: { again: true } }, { project: { again: true } }]);
    const many = Array.from({ length: 101 }, () => ({ requirement: "x" }));
    expect(await refusal(projects.createMany({ projects: many }))).toMatchObject({ code: "INVALID_INPUT" });
    expect((await projects.list()).items).toHaveLength(2);
  });

  it("are controlled by a filter, after a dry run that counts and changes nothing", async () => {
    const deps = memoryDeps();
    const { projects } = callerOf(deps);
    for (let n = 0; n < 5; n++) await projects.create({ requirement: `r${n}`, tags: [n < 3 ? "a" : "b"] });
    const filter = { tag: "a" };
    const nothing = { done: 0, refused: [], next_cursor: null };
    expect(await projects.bulk({ action: "pause", filter, dry_run: true })).toEqual({
      matched: 3,
      ...nothing,
    });
    expect((await projects.list({ status: "paused" })).items).toHaveLength(0);
    let done = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await projects.bulk({ action: "pause", filter, limit: 2, cursor, operation_id: "op" });
      done += page.done;
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(done).toBe(3);
    expect(await projects.bulk({ action: "retry", filter })).toEqual({ matched: 0, ...nothing });
    expect((await projects.bulk({ action: "cancel", filter: {} })).done).toBe(5);
    expect((await projects.bulk({ action: "retry", filter: { status: "cancelled" } })).done).toBe(5);
    expect((await projects.bulk({ action: "delete", filter: { tag: "b" } })).done).toBe(2);
    expect((await projects.list()).items.map(({ status }) => status)).toEqual(["queued", "queued", "queued"]);
  });

  it("refuses one by one what cannot be done, and continues", async () => {
    const deps = memoryDeps();
    const { projects } = callerOf(deps);
    const kept = await projects.create({ requirement: "kept" });
    const gone = await projects.create({ requirement: "gone", pipeline: "two-steps" });
    for (const { project_id } of [kept, gone]) await projects.cancel({ project_id });
    const without = callerOf({ ...deps, pipelines: createRegistry([agentBuild]) });
    expect(await without.projects.bulk({ action: "retry", filter: {} })).toMatchObject({
      matched: 2,
      done: 1,
      refused: [{ project_id: gone.project_id, code: "PIPELINE_NOT_FOUND" }],
    });
  });
});

describe("projects.answer", () => {
  it("answers the gate that a program opened, once, and refuses what does not fit", async () => {
    const { projects, work } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    const claimed = await work.claim({ owner: "program", project_id });
    if (!claimed) throw new Error("expected a claim");
    const { lease_token, lease_seq } = claimed;
    const answer_schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    const gate = { event: "waiting", stage: "one", question: "Go on?", answer_schema } as const;
    const opened = await work.report({ project_id, lease_token, lease_seq: lease_seq + 1, events: [gate] });
    expect(opened).toMatchObject({ status: "waiting", waiting: { stage: "one", question: "Go on?" } });
    expect(await refusal(projects.answer({ project_id, stage: "one", value: 7 }))).toMatchObject({
      code: "INVALID_INPUT",
    });
    expect(await refusal(projects.answer({ project_id, stage: "none", value: 7 }))).toMatchObject({
      code: "STAGE_NOT_FOUND",
    });
    const yes = { project_id, stage: "one", value: { ok: true }, operation_id: "op" };
    expect(await projects.answer(yes)).toMatchObject({ status: "queued", answer: { value: { ok: true } } });
    expect(await projects.answer(yes)).toMatchObject({ status: "queued" });
    const no = { project_id, stage: "one", value: { ok: false } };
    expect(await refusal(projects.answer(no))).toMatchObject({ code: "STAGE_CONFLICT" });
    const next = await work.claim({ owner: "program", project_id });
    expect(next?.project.stages_snapshot.stages[0]).toMatchObject({
      status: "completed",
      output_data: { answer: { ok: true } },
    });
  });

  it("is harmless to repeat without an operation_id too, also when the build has gone on; another is refused", async () => {
    const { projects, work } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
    const claimed = await work.claim({ owner: "program", project_id });
    if (!claimed) throw new Error("expected a claim");
    const { lease_token, lease_seq } = claimed;
    const gate = { event: "waiting", stage: "one", question: "Go on?" } as const;
    await work.report({ project_id, lease_token, lease_seq: lease_seq + 1, events: [gate] });
    const yes = { project_id, stage: "one", value: { ok: true, note: "n" } };
    const first = await projects.answer(yes);
    const reordered = { ...yes, value: { note: "n", ok: true } };
    expect(await projects.answer(reordered)).toMatchObject({ revision: first.revision, status: "queued" });
    const next = await work.claim({ owner: "program", project_id });
    const [token, seq] = [next?.lease_token ?? 0, next?.lease_seq ?? 0];
    const events = [{ event: "started", stage: "two" } as const];
    const { revision } = await work.report({ project_id, lease_token: token, lease_seq: seq + 1, events });
    expect(await projects.answer(yes)).toMatchObject({ revision, status: "building" });
    const no = projects.answer({ ...yes, value: { ok: false, note: "n" } });
    expect(await refusal(no)).toMatchObject({ code: "STAGE_CONFLICT" });
  });
});

describe("projects.get and projects.list", () => {
  it("finds a project by its id, and says when there is none", async () => {
    const { projects } = callerOf(memoryDeps());
    const made = await projects.create({ requirement: "x" });
    expect(await projects.get({ project_id: made.project_id })).toEqual(made);
    expect(await refusal(projects.get({ project_id: NOWHERE }))).toMatchObject({
      code: "PROJECT_NOT_FOUND",
      data: { project_id: NOWHERE },
    });
  });

  it("takes no cursor behind an agent's own builds for those of another agent, or another filter", async () => {
    const { projects } = callerOf(memoryDeps());
    await projects.create({ requirement: "x", agent_id: "proj_a:csv" });
    const { next_cursor: cursor } = await projects.list({ agent_id: "proj_a:csv", limit: 1 });
    expect(await projects.list({ agent_id: "proj_a:csv", cursor })).toEqual({ items: [], next_cursor: null });
    for (const other of [{ agent_id: "proj_b:csv" }, { agent_id: "proj_a:csv", tag: "t" }])
      expect(await refusal(projects.list({ ...other, cursor }))).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("pages through summaries, newest first, and filters them", async () => {
    const deps = memoryDeps();
    const { projects } = callerOf(deps);
    for (let i = 0; i < 5; i++) {
      deps.clock.pass(1);
      await projects.create({
        requirement: `r${i}`,
        user_id: i < 2 ? "ann" : "bob",
        tags: i === 3 ? ["T"] : [],
      });
    }
    const first = await projects.list({ limit: 3 });
    const second = await projects.list({ limit: 3, cursor: first.next_cursor });
    expect([...first.items, ...second.items].map((item) => item.project_name)).toEqual([
      "r4",
      "r3",
      "r2",
      "r1",
      "r0",
    ]);
    expect(second.next_cursor).toBeNull();
    expect(first.items[0]).not.toHaveProperty("stages_snapshot");
    expect((await projects.list({ user_id: "ann" })).items).toHaveLength(2);
    expect((await projects.list({ tag: "T" })).items.map((item) => item.project_name)).toEqual(["r3"]);
    expect((await projects.list({ text: "R4" })).items.map((item) => item.project_name)).toEqual(["r4"]);
    expect((await projects.list({ status: "failed" })).items).toEqual([]);
    expect(await refusal(projects.list({ cursor: "not-a-cursor" }))).toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("projects.pause, resume, cancel", () => {
  it("leads from queued to paused, back, and to cancelled", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    expect(await projects.pause({ project_id })).toMatchObject({ status: "paused", revision: 2 });
    expect(await refusal(projects.pause({ project_id }))).toMatchObject({
      code: "PROJECT_CONFLICT",
      data: { actual: "paused" },
    });
    expect(await projects.resume({ project_id })).toMatchObject({ status: "queued", revision: 3 });
    expect(await projects.cancel({ project_id })).toMatchObject({ status: "cancelled", revision: 4 });
  });

  it("does nothing twice for one resume or retry", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    await projects.pause({ project_id });
    const resumed = await projects.resume({ project_id, operation_id: "r" });
    expect(await projects.resume({ project_id, operation_id: "r" })).toEqual(resumed);
    await projects.cancel({ project_id });
    const retried = await projects.retry({ project_id, operation_id: "t" });
    expect(retried.run).toBe(2);
    expect(await projects.retry({ project_id, operation_id: "t" })).toEqual(retried);
  });

  it("does nothing twice for one operation", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    const first = await projects.cancel({ project_id, operation_id: "a" });
    expect(await projects.cancel({ project_id, operation_id: "a" })).toEqual(first);
    expect(await refusal(projects.cancel({ project_id, operation_id: "b" }))).toMatchObject({
      code: "PROJECT_CONFLICT",
    });
  });

  it("says for each when there is no such project", async () => {
    const { projects } = callerOf(memoryDeps());
    for (const call of [projects.pause, projects.resume, projects.cancel, projects.retry, projects.delete])
      expect(await refusal(call({ project_id: NOWHERE }))).toMatchObject({ code: "PROJECT_NOT_FOUND" });
  });
});

describe("projects.retry", () => {
  it("offers an ended project again, as a new run of the pipeline as it is now", async () => {
    const deps = memoryDeps();
    const { projects } = callerOf(deps);
    const { project_id } = await projects.create({ requirement: "x", pipeline: "two-steps" });
    await projects.cancel({ project_id });
    const newer = { ...deps.pipelines, get: () => ({ ...twoSteps, version: "v2" }) };
    const retried = await callerOf({ ...deps, pipelines: newer }).projects.retry({
      project_id,
      from_stage: "first",
    });
    expect(retried).toMatchObject({
      status: "queued",
      run: 2,
      restart_from: "first",
      pipeline_version: "v2",
    });
  });

  it("refuses a pipeline with other stages, and takes one with the same", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({
      requirement: "x",
      pipeline: "old",
      stages: [{ stage: "first" }, { stage: "second" }],
    });
    await projects.cancel({ project_id });
    expect(await refusal(projects.retry({ project_id, pipeline: "agent-build" }))).toMatchObject({
      code: "PIPELINE_CHANGED",
      data: { pipeline: "agent-build", expected: ["first", "second"] },
    });
    expect(await refusal(projects.retry({ project_id, pipeline: "gone" }))).toMatchObject({
      code: "PIPELINE_NOT_FOUND",
    });
    const retried = await projects.retry({ project_id, pipeline: "two-steps" });
    expect(retried).toMatchObject({ pipeline: "two-steps", pipeline_version: "v1" });
    expect(retried.work_queue).toMatch(/^agent_builds#/);
  });

  it("offers a project with its own stages to programs again", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", stages: OWN_STAGES });
    await projects.cancel({ project_id });
    expect((await projects.retry({ project_id })).work_queue).toMatch(/^external#/);
  });

  it("needs a pipeline named for a project of an older form, whose stages may have had other names", async () => {
    const store = new MemoryProjectStore();
    const project_id = "proj_0123456789ab";
    const stages = [
      "requirements_analyzer",
      "system_architect",
      "agent_designer",
      "prompt_engineer",
      "tool_developer",
      "agent_code_developer",
    ].map((name) => ({ name, status: "failed" }));
    const legacy = {
      project_id,
      status: "failed",
      created_at: "2024-01-01T00:00:00Z",
      stages_snapshot: { stages },
    };
    await store.write({ kind: "put", transition: "create", project_id, guards: [], item: legacy });
    const { projects } = callerOf(memoryDeps(store));
    expect(await refusal(projects.retry({ project_id }))).toMatchObject({ code: "PIPELINE_NOT_FOUND" });
    expect(await projects.retry({ project_id, pipeline: "agent-build" })).toMatchObject({
      status: "queued",
      pipeline: "agent-build",
    });
  });
});

describe("projects.delete", () => {
  it("leaves nothing, and a repeat of the operation is harmless", async () => {
    const { projects } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    const answer = { project_id, deleted: true };
    expect(await projects.delete({ project_id, operation_id: "d" })).toEqual(answer);
    expect(await projects.delete({ project_id, operation_id: "d" })).toEqual(answer);
    expect(await refusal(projects.delete({ project_id }))).toMatchObject({ code: "PROJECT_NOT_FOUND" });
    expect((await projects.list()).items).toEqual([]);
  });
});

describe("projects.delete", () => {
  it("L4: a delete repeated under its operation_id is known to every process, also after its reply was lost", async () => {
    const store = new MemoryProjectStore();
    const records = new MemoryRecordStore();
    const [here, elsewhere] = [memoryDeps(store), memoryDeps(store)].map((deps) =>
      callerOf({ ...deps, records }),
    );
    if (!here || !elsewhere) throw new Error("expected two callers");
    const { project_id } = await here.projects.create({ requirement: "x" });
    const operation = { project_id, operation_id: "d-1" };
    const deleted = { project_id, deleted: true };
    expect(await here.projects.delete(operation)).toEqual(deleted);
    expect(await elsewhere.projects.delete(operation)).toEqual(deleted);
    expect(await refusal(elsewhere.projects.delete({ project_id, operation_id: "d-2" }))).toMatchObject({
      code: "PROJECT_NOT_FOUND",
    });
    expect(await refusal(here.projects.delete({ project_id, operation_id: "d-2" }))).toMatchObject({
      code: "PROJECT_NOT_FOUND",
    });
    // The process ended between the delete and its note.
    const other = await here.projects.create({ requirement: "y" });
    const key = { pk: `delete#${other.project_id}`, sk: "d-3" };
    await records.write({ ...key, kind: "put", guards: [], item: { ...key, done: false } });
    await here.projects.delete({ project_id: other.project_id });
    expect(await elsewhere.projects.delete({ project_id: other.project_id, operation_id: "d-3" })).toEqual({
      project_id: other.project_id,
      deleted: true,
    });
  });
});
