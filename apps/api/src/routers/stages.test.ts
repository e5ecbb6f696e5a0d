import { describe, expect, it } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";

describe("stages.list and stages.get", () => {
  it("lists stages in order, page by page", async () => {
    const { artifacts, projects, stages } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    const first = await stages.list({ project_id, limit: 4 });
    const second = await stages.list({ project_id, limit: 4, cursor: first.next_cursor });
    expect([...first.items, ...second.items].map((stage) => stage.stage_number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(second.next_cursor).toBeNull();
    const elsewhere = artifacts.listByProject({ project_id, cursor: first.next_cursor });
    expect(await refusal(elsewhere)).toMatchObject({ code: "INVALID_INPUT" });
    expect((await stages.list({ project_id })).items).toHaveLength(6);
  });

  it("gives a stage by its key or an old name of it, with all its attempts", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    await program.report({ event: "started", stage: "one" });
    await program.report({ event: "failed", stage: "one", message: "no luck", retry_in_seconds: 0 });
    const again = await Program.claim(caller, program.project_id);
    await again.report({ event: "started", stage: "one" });
    const stage = await caller.stages.get({ project_id: program.project_id, stage: "one" });
    expect(stage).toMatchObject({ status: "running", attempt: 2 });
    expect(stage.attempts).toMatchObject([
      { attempt: 1, status: "failed", code: "STAGE_FAILED", error_message: "no luck" },
      { attempt: 2, status: "running" },
    ]);
    const { project_id } = await caller.projects.create({ requirement: "x" });
    const renamed = await caller.stages.get({ project_id, stage: "tool_developer" });
    expect(renamed).toMatchObject({ stage: "tools_developer", attempts: [] });
  });

  it("finds attempts and logs whose record was moved out of the item", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const { project_id } = await caller.projects.create({ requirement: "x", stages: [{ stage: "one" }] });
    const item = await deps.store.get(project_id);
    if (!item) throw new Error("expected the item");
    const entry = (attempt: number) => ({
      attempt,
      status: "failed",
      error_message: "no",
      log_seq: attempt * 10,
    });
    await deps.artifacts.putDocument(project_id, "history-1", [entry(1), entry(2)]);
    await deps.logs.append({ project_id, stage: "one", attempt: 1 }, 10, ["from long ago"]);
    const edit = (field: string, value: unknown) => ({
      op: "set" as const,
      path: ["stages_snapshot", "stages", 0, field],
      value,
    });
    await deps.store.write({
      kind: "update",
      transition: "report",
      project_id,
      guards: [],
      edits: [edit("history_ref", "history-1"), edit("history", [entry(3)]), edit("attempt", 3)],
    });
    const stage = await caller.stages.get({ project_id, stage: "one" });
    expect(stage.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const logs = await caller.stages.logs({ project_id, stage: "one", attempt: 1 });
    expect(logs).toEqual({ items: [{ text: "from long ago" }], next_cursor: null });
  });

  it("refuses a stage that the project does not have", async () => {
    const { projects, stages } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    for (const call of [stages.get, stages.logs])
      expect(await refusal(call({ project_id, stage: "none" }))).toMatchObject({
        code: "STAGE_NOT_FOUND",
        data: { stage: "none" },
      });
  });
});

describe("stages.logs", () => {
  const texts = (page: { items: { text: string }[] }) => page.items.map(({ text }) => text);

  it("can be followed from before the first line to the end of the attempt", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    const query = { project_id: program.project_id, stage: "one", limit: 2 };
    let page = await caller.stages.logs(query);
    expect(page.items).toEqual([]);
    expect(page.next_cursor).not.toBeNull();
    await program.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["a", "b", "c"] },
    );
    page = await caller.stages.logs({ ...query, cursor: page.next_cursor });
    expect(texts(page)).toEqual(["a", "b"]);
    page = await caller.stages.logs({ ...query, cursor: page.next_cursor });
    expect(texts(page)).toEqual(["c"]);
    page = await caller.stages.logs({ ...query, cursor: page.next_cursor });
    expect(texts(page)).toEqual([]);
    await program.report({ event: "log", stage: "one", lines: ["d"] }, { event: "completed", stage: "one" });
    page = await caller.stages.logs({ ...query, cursor: page.next_cursor });
    expect(texts(page)).toEqual(["d"]);
    expect(page.next_cursor).toBeNull();
  });

  it("keeps the attempts apart, and shows nothing that was never acknowledged", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const program = await Program.begin(caller);
    const { project_id } = program;
    await program.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["first try"] },
    );
    await deps.logs.append({ project_id, stage: "one", attempt: 1 }, program.seq + 50, ["of a lost write"]);
    await program.report({ event: "failed", stage: "one", message: "no", retry_in_seconds: 0 });
    const again = await Program.claim(caller, project_id);
    await again.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["second try"] },
    );
    expect(texts(await caller.stages.logs({ project_id, stage: "one" }))).toEqual(["second try"]);
    const first = await caller.stages.logs({ project_id, stage: "one", attempt: 1 });
    expect(texts(first)).toEqual(["first try"]);
    expect(first.next_cursor).toBeNull();
    expect(await refusal(caller.stages.logs({ project_id, stage: "one", attempt: 9 }))).toMatchObject({
      code: "INVALID_INPUT",
    });
  });
});

describe("cursors and attempts", () => {
  it("L7: a cursor of another project, stage or list is refused", async () => {
    const caller = callerOf(memoryDeps());
    const { stages } = caller;
    const programs = [await Program.begin(caller), await Program.begin(caller)] as const;
    const lines = ["a", "b", "c"];
    for (const program of programs) {
      await program.report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines });
      await program.report({ event: "completed", stage: "one" }, { event: "started", stage: "two" });
      await program.report({ event: "log", stage: "two", lines });
    }
    const [mine, theirs] = programs.map(({ project_id }) => project_id);
    if (mine === undefined || theirs === undefined) throw new Error("expected two projects");
    const list = (await stages.list({ project_id: mine, limit: 1 })).next_cursor;
    const logs = (await stages.logs({ project_id: mine, stage: "one", limit: 1 })).next_cursor;
    const refused = [
      () => stages.list({ project_id: theirs, cursor: list }),
      () => stages.list({ project_id: mine, cursor: logs }),
      () => stages.logs({ project_id: theirs, stage: "one", cursor: logs }),
      () => stages.logs({ project_id: mine, stage: "two", cursor: logs }),
      () => stages.logs({ project_id: mine, stage: "one", cursor: list }),
      () => caller.artifacts.listByProject({ project_id: mine, cursor: list }),
      () => caller.projects.list({ cursor: list }),
      () => caller.pipelines.list({ cursor: list }),
    ];
    for (const call of refused) expect(await refusal(call())).toMatchObject({ code: "INVALID_INPUT" });
    expect((await stages.logs({ project_id: mine, stage: "one", cursor: logs })).items).toEqual([
      { text: "b" },
      { text: "c" },
    ]);
    expect((await stages.list({ project_id: mine, cursor: list })).items).toHaveLength(1);
  });

  it("L8: the log of every one of 25 attempts is read by its number", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const { project_id } = await caller.projects.create({ requirement: "x", stages: OWN_STAGES });
    for (let attempt = 1; attempt <= 25; attempt++) {
      const program = await Program.claim(caller, project_id);
      await program.report(
        { event: "started", stage: "one" },
        { event: "log", stage: "one", lines: [`attempt ${attempt}`, "more"] },
        { event: "failed", stage: "one", message: "no", retry_in_seconds: 0 },
      );
    }
    for (let attempt = 1; attempt <= 25; attempt++)
      expect(await caller.stages.logs({ project_id, stage: "one", attempt }), `attempt ${attempt}`).toEqual({
        items: [{ text: `attempt ${attempt}` }, { text: "more" }],
        next_cursor: null,
      });
  });
});
