import { describe, expect, it } from "vitest";
import { aLeaseOwner, stageOf } from "../../test/lease-owner.ts";
import { LIMITS, utf8Bytes } from "../snapshot/limits.ts";
import { textsOf } from "../snapshot/log-line.ts";
import { type ReportEventInput, reportEventSchema } from "./events.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const start: ReportEventInput = { event: "started", stage: "plan" };

describe("the tail of a log", () => {
  const logged = async (...chunks: string[][]) => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    let project = await owner.repository.get(owner.id);
    for (const lines of chunks) project = await owner.report([{ event: "log", stage: "plan", lines }]);
    return { owner, tail: stageOf(project, "plan").logs ?? [], project };
  };

  it("is the last five lines, while the log itself is in the store", async () => {
    const { owner, tail, project } = await logged(["1", "2", "3"], ["4", "5", "6"], []);
    expect(tail).toEqual(["2", "3", "4", "5", "6"]);
    const ref = { project_id: owner.id, stage: "plan", attempt: 1 };
    const { log_seq = 0 } = stageOf(project, "plan");
    const page = await owner.logs.read(ref, { limit: 100, upTo: log_seq });
    expect(textsOf(page.lines)).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  it.each([
    ["characters of three bytes", "日".repeat(400)],
    ["characters of four bytes", "🙂".repeat(400)],
    ["half a character", `${"x".repeat(300)}\ud83d`],
    ["one long line", "y".repeat(100_000)],
  ])("has at most 1 KB in UTF-8, of %s", async (_name, line) => {
    const { tail } = await logged(["first"], [line, line, line, line, line, "last"]);
    expect(tail.reduce((sum, one) => sum + utf8Bytes(one), 0)).toBeLessThanOrEqual(LIMITS.tail);
    expect(tail.length).toBeGreaterThan(1);
    expect(tail.at(-1)).toBe("last");
    for (const one of tail) {
      expect(one.isWellFormed()).toBe(true);
      expect(utf8Bytes(one)).toBeLessThanOrEqual(512);
    }
  });
});

describe("what a lease owner says of a stage", () => {
  const begun = async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([start]);
    return owner;
  };

  it("cuts texts to 2 KB of UTF-8, well formed", async () => {
    const owner = await begun();
    const message = `${"日本".repeat(1000)}\ud83d`;
    const project = await owner.report([{ event: "failed", stage: "plan", message }]);
    for (const text of [project.error_info?.message ?? "", stageOf(project, "plan").error_message ?? ""]) {
      expect(utf8Bytes(text)).toBeLessThanOrEqual(LIMITS.error);
      expect(utf8Bytes(text)).toBeGreaterThan(LIMITS.error - 6);
      expect(text.isWellFormed()).toBe(true);
      expect(text.endsWith("…")).toBe(true);
    }
  });

  it("keeps the reason of a skip beside what the stage has", async () => {
    const owner = await begun();
    await owner.report([{ event: "artifacts", stage: "plan", artifacts: [{ path: "a" }] }]);
    const project = await owner.report([
      { event: "skipped", stage: "plan", reason: "not needed" },
      { event: "skipped", stage: "make", reason: "neither" },
    ]);
    expect(stageOf(project, "plan").output_data).toMatchObject({
      skipped_reason: "not needed",
      artifacts: ["a"],
    });
    expect(project).toMatchObject({ current_stage: "check", progress_percentage: 67 });
  });

  it("may name the time of an event, but none to come", async () => {
    const owner = await begun();
    owner.clock.advance(10_000);
    const project = await owner.report([
      { event: "completed", stage: "plan", at: "2026-01-01T00:00:04.000Z" },
      { event: "started", stage: "make", at: "2036-01-01T00:00:00.000Z" },
    ]);
    expect(stageOf(project, "plan")).toMatchObject({
      completed_at: "2026-01-01T00:00:04.000Z",
      duration_seconds: 4,
    });
    expect(stageOf(project, "make").started_at).toBe("2026-01-01T00:00:10.000Z");
    for (const at of ["2025-99-99T00:00:00.000Z", "2025-01-01", "2025-01-01T00:00:00Z"])
      expect(reportEventSchema.safeParse({ event: "started", stage: "plan", at }).success, at).toBe(false);
  });

  it("never sees its progress fall", async () => {
    const owner = await begun();
    await owner.report([{ event: "progress", stage: "plan", progress: 50 }]);
    await expect(owner.report([{ event: "progress", stage: "plan", progress: 49 }])).rejects.toMatchObject({
      code: "STAGE_CONFLICT",
      data: { stage: "plan", actual: "49" },
    });
  });

  it("adds figures up, of so many names", async () => {
    const owner = await begun();
    const part = (n: number): ReportEventInput[] => [
      { event: "started", stage: "plan", sub_stage: `p${n}` },
      { event: "completed", stage: "plan", sub_stage: `p${n}`, metrics: { input_tokens: n, own: 0.5 } },
    ];
    const project = await owner.report([...part(1), ...part(2)]);
    expect(stageOf(project, "plan").metrics).toEqual({ input_tokens: 3, own: 1 });
    const many = Object.fromEntries(Array.from({ length: LIMITS.metrics - 1 }, (_, i) => [`m${i}`, 1]));
    await expect(owner.report([{ event: "completed", stage: "plan", metrics: many }])).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
  });

  it("is all or nothing", async () => {
    const owner = await begun();
    const before = await owner.item();
    const more: ReportEventInput[] = [
      { event: "completed", stage: "plan" },
      { event: "started", stage: "make" },
      { event: "completed", stage: "check" },
    ];
    await expect(owner.report(more)).rejects.toMatchObject({
      code: "STAGE_CONFLICT",
      data: { stage: "check", expected: "running", actual: "pending" },
    });
    expect(await owner.item()).toEqual(before);
  });
});

describe("what no schema of a report lets through", () => {
  const completed = { event: "completed", stage: "plan" };
  it.each<[string, object]>([
    ["a stage __proto__", { ...completed, stage: "__proto__" }],
    ["a sub-stage __proto__", { ...completed, sub_stage: "__proto__" }],
    ["an output with __proto__", { ...completed, output: JSON.parse('{"__proto__": {"a": 1}}') }],
    ["an output with __proto__ inside", { ...completed, output: JSON.parse('{"a": [{"__proto__": 1}]}') }],
    [
      "an output of 25 levels",
      { ...completed, output: JSON.parse(`{"a":${"[".repeat(24)}${"]".repeat(24)}}`) },
    ],
    ["an output of a number too large", { ...completed, output: { a: 1e126 } }],
    ["an output that is a list", { ...completed, output: [] }],
    ["a figure too large", { ...completed, metrics: { a: 1e300 } }],
    ["a figure too small", { ...completed, metrics: { a: 5e-324 } }],
    ["money that comes back", { ...completed, metrics: { cost_usd: -1 } }],
    ["tokens that come back", { ...completed, metrics: { output_tokens: -1 } }],
    ["a path that leaves", { ...completed, artifacts: [{ path: "a/../../b" }] }],
    ["an absolute path", { ...completed, artifacts: [{ path: "/etc/passwd" }] }],
    ["a path with NUL", { ...completed, artifacts: [{ path: "a\u0000" }] }],
    ["a path with half a character", { ...completed, artifacts: [{ path: "a\ud83d" }] }],
    ["a path with __proto__", { ...completed, artifacts: [{ path: "a/__proto__" }] }],
    [
      "metadata with a number too large",
      { ...completed, artifacts: [{ path: "a", metadata: { n: 1e300 } }] },
    ],
    ["metadata of 5 KB", { ...completed, artifacts: [{ path: "a", metadata: { n: "x".repeat(5000) } }] }],
    ["a progress of 101", { event: "progress", stage: "plan", progress: 101 }],
    ["an unknown failure", { event: "failed", stage: "plan", message: "x", code: "BROKEN" }],
  ])("%s", (_name, event) => {
    expect(reportEventSchema.safeParse(event).success).toBe(false);
  });

  it("is not the names that only look odd", async () => {
    const owner = await aLeaseOwner([{ stage: "constructor" }]);
    await owner.claim();
    const project = await owner.report([
      { event: "started", stage: "constructor" },
      { event: "started", stage: "constructor", sub_stage: "tostring" },
      {
        event: "completed",
        stage: "constructor",
        output: { constructor: "a", toString: 1e9, "": "\ud83d" },
        artifacts: [{ path: "constructor" }, { path: "toString/hasOwnProperty" }],
        metrics: { constructor_tokens: 1 },
      },
    ]);
    expect(project).toMatchObject({ status: "completed", build_summary: { artifacts: 2 } });
    expect(stageOf(project, "constructor").output_data).toMatchObject({ toString: 1e9, "": "\ufffd" });
  });
});

it("D1: what the stages' outputs say was left out is counted in the summary", async () => {
  const owner = await aLeaseOwner([
    { stage: "analyse" },
    { stage: "plan" },
    { stage: "odd" },
    { stage: "odder" },
  ]);
  await owner.claim();
  const output = [
    { unmet_total: 3 },
    { unmet_total: 1, unmet: ["x"] },
    { unmet_total: "9" },
    { unmet_total: -2.5 },
  ];
  const project = await owner.report(
    ["analyse", "plan", "odd", "odder"].flatMap((stage, i) => [
      { event: "started" as const, stage },
      { event: "completed" as const, stage, output: output[i] },
    ]),
  );
  expect(project).toMatchObject({ status: "completed", build_summary: { unmet_total: 4 } });
});
