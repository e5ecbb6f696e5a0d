import type { Project, Stage } from "@stagefold/client";
import pc from "picocolors";
import { expect, test } from "vitest";
import { changeLines } from "./changes.ts";
import { escaped } from "./escape.ts";
import { duration, size } from "./format.ts";
import { projectLines } from "./project-lines.ts";
import type { Frame } from "./stage-lines.ts";
import { projectTable } from "./table.ts";
import { cell, cut, widthOf } from "./width.ts";

const time = "2026-01-01T00:00:00.000Z";
const later = Date.parse("2026-01-01T00:02:05.000Z");

const stageFields = {
  stage_name: "提示词工程和一个很长很长的名字很长很长的名字",
  weight: 1,
  attempt: 1,
  progress: 0,
  output_data: { artifacts: [], artifact_info: {} },
  metrics: {},
  error_message: null,
  sub_stages: {},
  history: [],
};

function stageOf(stage_number: number, rest: Partial<Stage> = {}): Stage {
  const key = `stage_${stage_number}`;
  if (rest.status === "running")
    return {
      ...stageFields,
      ...rest,
      stage: key,
      stage_number,
      status: "running",
      started_at: time,
      error_message: null,
    };
  if (rest.status === "failed")
    return {
      ...stageFields,
      ...rest,
      stage: key,
      stage_number,
      status: "failed",
      error_message: rest.error_message ?? "no",
    };
  if (rest.status === "waiting")
    return { ...stageFields, ...rest, stage: key, stage_number, status: "waiting", started_at: time };
  return { ...stageFields, ...rest, stage: key, stage_number, status: rest.status ?? "pending" };
}

function projectOf(stages: Stage[], status: "building" | "paused" | "completed" = "building"): Project {
  const fields = {
    schema_version: 1 as const,
    project_id: "proj_0123456789ab",
    project_name: "计算器 with a name that is far longer than any terminal is wide, and then some more of it",
    requirement: "r",
    pipeline: "agent-build",
    run: 1,
    tags: [],
    priority: 3,
    progress_percentage: 45.9,
    created_at: time,
    started_at: time,
    updated_at: time,
    revision: 1,
    item_bytes: 1,
    stages_snapshot: { total: stages.length, completed: 0, stages },
    lease_token: 1,
    lease_seq: 1,
  };
  if (status === "building")
    return { ...fields, status, lease: { claims: 1, owner: "worker-1", expires_at: time } };
  return { ...fields, status, lease: { claims: 0 } };
}

const frame: Frame = { paint: pc.createColors(false), columns: 80, nowMs: later };

test("what a terminal would obey is written out, and nothing else", () => {
  expect(escaped("\u001b[2J\u0007\r\n\t\u009b31m\u202eevil\u2028")).toBe(
    "\\x1b[2J\\x07\\r\\n    \\x9b31m\\u202eevil\\u2028",
  );
  expect(escaped("计算器 ✓ é 👩‍💻")).toBe("计算器 ✓ é 👩‍💻");
  expect(escaped("lone \ud800")).toBe("lone \ufffd");
});

test("widths are those of a terminal", () => {
  expect(widthOf("计算")).toBe(4);
  expect(cut("计算器", 5)).toBe("计算…");
  expect(cut("计算器", 4)).toBe("计…");
  expect(cut("abc", 3)).toBe("abc");
  expect(cut("👩‍💻👩‍💻", 3)).toBe("👩‍💻…");
  expect(cut("abc", 0)).toBe("");
  expect(cell("计算器", 5)).toBe("计算…");
  expect(widthOf(cell("计", 7))).toBe(7);
});

test("durations and sizes", () => {
  expect([0.04, 9.94, 9.96, 59.4, 59.6, 125, 3599.6, 7384].map(duration)).toEqual([
    "0.0s",
    "9.9s",
    "10s",
    "59s",
    "1m 00s",
    "2m 05s",
    "1h 00m",
    "2h 03m",
  ]);
  expect([0, 1023, 1024, 1_500_000, 5e9].map(size)).toEqual(["0 B", "1023 B", "1.0 KB", "1.4 MB", "4.7 GB"]);
});

const everyState: Stage[] = [
  stageOf(1, { status: "completed", duration_seconds: 300, attempt: 2, progress: 100 }),
  stageOf(2, { status: "running", progress: 45, logs: ["a line that is ".repeat(20)] }),
  stageOf(3, { status: "failed", error_message: `\u001b[31m${"why ".repeat(40)}` }),
  stageOf(4, { status: "skipped" }),
  stageOf(5, { status: "cancelled" }),
  stageOf(6, { attempt: 1, error_message: "to be tried again" }),
  stageOf(7, { attempt: 0 }),
];

test("no line of a build is wider than the terminal, whatever it says", () => {
  for (const columns of [80, 60, 120]) {
    const lines = projectLines(projectOf(everyState), { ...frame, columns });
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
  }
});

test("a build shows every stage's state in words", () => {
  const text = projectLines(projectOf(everyState), frame).join("\n");
  expect(text).toContain("building  45 %");
  expect(text).toContain("completed  5m 00s  attempt 2");
  expect(text).toContain("█████░░░░░ 45 %  2m 05s");
  expect(text).toContain("\\x1b[31mwhy");
  expect(text).toContain("waiting for attempt 2");
  for (const word of ["skipped", "cancelled", "pending"]) expect(text).toContain(word);
});

test("a build that is retried after 75 days shows the time in which it ran", () => {
  const begun = new Date(Date.parse(time) - 75 * 86_400_000).toISOString();
  const first = { started_at: begun, completed_at: begun.replace(/:\d\d\./, ":59."), duration_seconds: 59 };
  const project = projectOf([
    stageOf(1, { status: "completed", ...first }),
    stageOf(2, { status: "running" }),
  ]);
  const [, facts] = projectLines({ ...project, run: 2, started_at: begun }, frame);
  expect(facts).toContain("· 3m 04s · run 2");
});

test("a paused build whose stage still runs is pausing", () => {
  expect(projectLines(projectOf([stageOf(1, { status: "running" })], "paused"), frame)[0]).toContain(
    "pausing",
  );
  expect(projectLines(projectOf([stageOf(1)], "paused"), frame)[0]).toContain("paused");
});

test("changes are told once", () => {
  const before = projectOf([stageOf(1, { attempt: 0 }), stageOf(2, { attempt: 0 })]);
  const running = projectOf([stageOf(1, { status: "running", progress: 0 }), stageOf(2, { attempt: 0 })]);
  expect(changeLines(undefined, before)).toHaveLength(1);
  expect(changeLines(before, running)).toEqual([expect.stringMatching(/^\[1\/2\] .*: started$/)]);
  expect(changeLines(running, running)).toEqual([]);
  const further = projectOf([stageOf(1, { status: "running", progress: 40 }), stageOf(2, { attempt: 0 })]);
  expect(changeLines(running, further)).toEqual([expect.stringMatching(/: 40 %$/)]);
  const ended = projectOf([stageOf(1, { status: "completed", progress: 100 }), stageOf(2)], "completed");
  expect(changeLines(further, ended).at(-1)).toBe("proj_0123456789ab completed");
});

test("a table keeps to the columns, and cuts nothing where there are none", () => {
  const { project_id, project_name, run, tags, priority, created_at } = projectOf([]);
  const row = {
    project_id,
    project_name,
    run,
    tags,
    priority,
    created_at,
    status: "queued" as const,
    progress_percentage: 0,
  };
  const lines = projectTable([row], { paint: frame.paint, columns: 80 });
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(projectTable([row], { paint: frame.paint, columns: undefined })[1]).toContain(project_name);
});

test("in a file, a build begins before its first stage and ends after its last", () => {
  const queued: Project = { ...projectOf([stageOf(1), stageOf(2)]), status: "queued", lease: { claims: 0 } };
  const begun = projectOf([stageOf(1, { status: "running" }), stageOf(2)]);
  expect(changeLines(queued, begun)).toEqual([
    "proj_0123456789ab building",
    expect.stringContaining("[1/2] "),
  ]);
  const done = [stageOf(1, { status: "completed" }), stageOf(2, { status: "completed" })];
  expect(changeLines(begun, projectOf(done, "completed")).at(-1)).toBe("proj_0123456789ab completed");
});
