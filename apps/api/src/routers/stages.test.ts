import { decodeCursor, encodeCursor, type ModelCall, writeModelCalls } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { Reading } from "../../test/reading.ts";
import { refusal } from "../../test/refusal.ts";
import { watchLog } from "../logs.ts";
import { createWatch } from "../watch/index.ts";
import { watchMany } from "../watch/watch-many.ts";

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

describe("stages.calls", () => {
  it("gives the calls of an attempt, page by page, and none where there were none", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const program = await Program.begin(caller);
    await program.report({ event: "started", stage: "one" });
    const { project_id } = program;
    const call = (number: number): ModelCall => ({
      call: number,
      at: "2026-01-01T00:00:00.000Z",
      purpose: `tool ${number}`,
      model: "anthropic:x",
      status: "completed",
      digest: String(number),
      reused: false,
      messages: [{ role: "user", text: "?" }],
      answer: "{}",
      input_tokens: 1,
      output_tokens: 2,
      cached_tokens: 0,
      cost_usd: null,
      duration_ms: 3,
    });
    await writeModelCalls({ project_id, stage: "one", attempt: 1 }, [call(1), call(2)], deps.artifacts);
    const first = await caller.stages.calls({ project_id, stage: "one", limit: 1 });
    expect(first.items).toEqual([call(1)]);
    const rest = { project_id, stage: "one", attempt: 1, cursor: first.next_cursor };
    expect(await caller.stages.calls(rest)).toEqual({ items: [call(2)], next_cursor: null });
    for (const other of [{ stage: "two" }, { stage: "one", attempt: 7 }])
      expect(await caller.stages.calls({ project_id, ...other })).toEqual({ items: [], next_cursor: null });
    expect(await refusal(caller.stages.calls({ project_id, stage: "none" }))).toMatchObject({
      code: "STAGE_NOT_FOUND",
    });
    expect(
      await refusal(caller.stages.calls({ project_id, stage: "two", cursor: first.next_cursor })),
    ).toMatchObject({ code: "INVALID_INPUT" });
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
    const rest = await stages.logs({ project_id: mine, stage: "one", cursor: logs });
    expect(rest.items).toMatchObject([{ text: "b" }, { text: "c" }]);
    expect((await stages.list({ project_id: mine, cursor: list })).items).toHaveLength(1);
  });

  it("a made-up place in a log that is in the item alone is refused: no page got past it, and the process stood still", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const program = await Program.begin(caller);
    const ref = { project_id: program.project_id, stage: "one" };
    await program.report({ event: "started", stage: "one" });
    const { next_cursor } = await caller.stages.logs(ref);
    await program.report({ event: "completed", stage: "one" });
    const given = decodeCursor(next_cursor ?? "", z.looseObject({}));
    const watched = { ...deps, watch: createWatch(deps) };
    for (const at of ["abc", "-1e18", "-1", "0.5", "", " ", "Infinity", "1e3"]) {
      const cursor = encodeCursor({ ...given, at: { attempt: 1, at } });
      expect(await refusal(caller.stages.logs({ ...ref, cursor })), at).toMatchObject({
        code: "INVALID_INPUT",
      });
      const reading = new Reading((signal) => watchLog(watched, { ...ref, cursor }, signal));
      expect(await refusal(reading.next()), at).toMatchObject({ code: "INVALID_INPUT" });
    }
    const cursor = encodeCursor({ ...given, at: { attempt: 1, at: "7" } });
    expect(await caller.stages.logs({ ...ref, cursor })).toEqual({ items: [], next_cursor: null });
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
      expect(
        await caller.stages.logs({ project_id, stage: "one", attempt }),
        `attempt ${attempt}`,
      ).toMatchObject({
        items: [{ text: `attempt ${attempt}` }, { text: "more" }],
        next_cursor: null,
      });
  });
});

describe("lines of a log", () => {
  const running = async (caller: ReturnType<typeof callerOf>) => {
    const program = await Program.begin(caller);
    await program.report({ event: "started", stage: "one" });
    return { program, ref: { project_id: program.project_id, stage: "one" } };
  };

  it("have a time and a stream, those that the program gives or its report's", async () => {
    const caller = callerOf(memoryDeps());
    const { program, ref } = await running(caller);
    const at = "2025-06-01T09:59:59.500Z";
    await program.report({
      event: "log",
      stage: "one",
      lines: ["bare", { text: "err", at, stream: "stderr" }, { text: "half", stream: "stdout", end: "" }],
    });
    expect((await caller.stages.logs(ref)).items).toEqual([
      { text: "bare", at: "2025-06-01T10:00:00.000Z", stream: "log" },
      { text: "err", at, stream: "stderr" },
      { text: "half", at: "2025-06-01T10:00:00.000Z", stream: "stdout", end: "" },
    ]);
    const wrong = program.report({
      event: "log",
      stage: "one",
      lines: [{ text: "x", at: "yesterday" }],
    });
    expect(await refusal(wrong)).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("are searched over the whole log, with their numbers, also across the pieces of a long one", async () => {
    const caller = callerOf(memoryDeps());
    const { program, ref } = await running(caller);
    for (let n = 0; n < 5; n++)
      await program.report({
        event: "log",
        stage: "one",
        lines: Array.from(
          { length: 9000 },
          (_, i) => `line ${n * 9000 + i} ${i % 3000 === 7 ? "Needle" : "hay"}`,
        ),
      });
    await program.report({
      event: "log",
      stage: "one",
      lines: [
        { text: `${"x".repeat(100)} nee`, end: "" },
        { text: "dle again" },
        { text: "needle", end: "\r" },
        "no",
      ],
    });
    const query = { ...ref, text: "nEEdle", limit: 4 };
    const numbers: (number | undefined)[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 6; pages++) {
      const page = await caller.stages.logs({ ...query, cursor });
      numbers.push(...page.items.map((item) => item.number));
      cursor = page.next_cursor;
    }
    const wanted = Array.from({ length: 15 }, (_, i) => i * 3000 + 8);
    expect(numbers).toEqual([...wanted, 45_001]);
    await program.report({ event: "log", stage: "one", lines: ["one more needle"] });
    await program.report({ event: "completed", stage: "one" });
    const last = await caller.stages.logs({ ...query, cursor });
    expect(last).toMatchObject({ items: [{ text: "one more needle", number: 45_003 }], next_cursor: null });
  });

  it("reach who watches the log as they are acknowledged, from a position on, until it is over", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const { program, ref } = await running(caller);
    await program.report({ event: "log", stage: "one", lines: ["a", "b"] });
    const watched = { ...deps, watch: createWatch(deps) };
    const open = (cursor?: string) => new Reading((signal) => watchLog(watched, { ...ref, cursor }, signal));
    const reading = open();
    const first = await reading.next();
    const lines = [{ text: "a" }, { text: "b" }];
    expect(first).toMatchObject({ lines, over: false, attempt: 1, from: null });
    await program.report({ event: "progress", stage: "one", progress: 5 });
    await program.report({ event: "log", stage: "one", lines: ["c"] });
    const second = await reading.next();
    expect(second).toMatchObject({ lines: [{ text: "c" }], from: first.cursor });
    await program.report({ event: "log", stage: "one", lines: ["d"] }, { event: "completed", stage: "one" });
    expect(await reading.next()).toMatchObject({ lines: [{ text: "d" }], over: true });
    await expect(reading.next()).rejects.toThrow("the stream ended");
    const again = open(first.cursor);
    expect(await again.next()).toMatchObject({ lines: [{ text: "c" }, { text: "d" }], over: true });
    await again.stop();
  });

  it("come over the stream of many too, which continues each log where it was", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const { program, ref } = await running(caller);
    await program.report({ event: "log", stage: "one", lines: ["a"] });
    const watched = { ...deps, watch: createWatch(deps) };
    const logs = [ref, { ...ref, stage: "none" }];
    const open = (after?: string) =>
      new Reading(async function* (signal) {
        for await (const { id, change } of watchMany(watched, { projectIds: [], logs }, { after, signal }))
          if (change.kind === "log") yield { id, change };
      });
    const reading = open();
    const both = [await reading.next(), await reading.next()];
    expect(both.map(({ change }) => change)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ stage: "one", lines: [expect.objectContaining({ text: "a" })] }),
        expect.objectContaining({ stage: "none", lines: [], over: true }),
      ]),
    );
    await program.report({ event: "log", stage: "one", lines: ["b"] });
    const { id } = await reading.next();
    await reading.stop();
    await program.report({ event: "log", stage: "one", lines: ["c"] });
    const again = open(id);
    const texts: string[] = [];
    while (texts.length === 0) texts.push(...(await again.next()).change.lines.map(({ text }) => text));
    expect(texts).toEqual(["c"]);
    await again.stop();
  });
});
