import { describe, expect, it } from "vitest";
import type { Project, Stage } from "../../../lib/api.ts";
import { type Row, rowsOf, withUsual } from "./bars.ts";
import { activeSpans, barsIn, shareOf, ticksOf, wholeSpan, withExpected } from "./scale.ts";

const START = Date.parse("2025-06-01T12:00:00.000Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();
const ms = (seconds: number) => START + seconds * 1000;

function stage(key: string, fields: Partial<Stage> = {}): Stage {
  const base = {
    stage: key,
    stage_number: 1,
    stage_name: key,
    weight: 1,
    status: "pending" as const,
    attempt: 0,
    progress: 0,
    output_data: { artifacts: [], artifact_info: {} },
    metrics: {},
    error_message: null,
    sub_stages: {},
    history: [],
  };
  return { ...base, ...fields } as Stage;
}

function project(stages: readonly Stage[], fields: Partial<Project> = {}): Project {
  const base = {
    project_id: "proj_000000000000",
    created_at: at(0),
    status: "building",
    stages_snapshot: { total: stages.length, completed: 0, stages: [...stages] },
  };
  return { ...base, ...fields } as Project;
}

const barsOf = (rows: readonly Row[], id: string) => rows.find((row) => row.id === id)?.bars;

describe("rowsOf", () => {
  it("has how far a running attempt is, and where a gate asks or was answered", () => {
    const running = stage("run", {
      status: "running",
      started_at: at(1),
      attempt: 1,
      progress: 40,
    } as Partial<Stage>);
    const asks = stage("ask", { status: "waiting", started_at: at(2), attempt: 1 } as Partial<Stage>);
    const asked = stage("asked", {
      status: "completed",
      started_at: at(2),
      completed_at: at(9),
      attempt: 1,
      output_data: { artifacts: [], artifact_info: {}, answer: { ok: true }, by: "user:ada", at: at(8) },
    } as Partial<Stage>);
    const rows = rowsOf(project([running, asks, asked]), ms(20));
    expect(barsOf(rows, "run")).toMatchObject([{ kind: "attempt", open: true, progress: 40 }]);
    expect(barsOf(rows, "ask")).toMatchObject([
      { kind: "attempt", status: "waiting", open: true },
      { kind: "gate", status: "waiting", fromMs: ms(20) },
    ]);
    expect(barsOf(rows, "asked")).toMatchObject([
      { kind: "attempt", toMs: ms(9) },
      { kind: "gate", status: "completed", fromMs: ms(8), toMs: ms(8) },
    ]);
  });

  it("has the time in the queue, each stage, and a stage's parts in their order", () => {
    const parts = {
      b: { number: 2, status: "running" as const, started_at: at(12), artifacts: [] },
      a: { number: 1, status: "completed" as const, started_at: at(10), completed_at: at(11), artifacts: [] },
    };
    const rows = rowsOf(
      project([
        stage("one", { status: "completed", attempt: 1, started_at: at(5), completed_at: at(9) }),
        stage("two", { status: "running", attempt: 1, started_at: at(9), sub_stages: parts }),
        stage("three"),
      ]),
      ms(20),
    );
    expect(rows.map((row) => row.id)).toEqual(["queue", "one", "two", "two/a", "two/b", "three"]);
    expect(barsOf(rows, "queue")).toMatchObject([{ kind: "queue", fromMs: ms(0), toMs: ms(5), open: false }]);
    expect(barsOf(rows, "two")).toMatchObject([
      { status: "running", fromMs: ms(9), toMs: ms(20), open: true },
    ]);
    expect(barsOf(rows, "two/a")).toMatchObject([{ fromMs: ms(10), toMs: ms(11), open: false }]);
    expect(barsOf(rows, "two/b")).toMatchObject([{ fromMs: ms(12), toMs: ms(20), open: true }]);
    expect(barsOf(rows, "three")).toEqual([]);
  });

  it("shows every attempt at its time, and the wait for the next one", () => {
    const failed = { attempt: 1, status: "failed" as const, started_at: at(5), completed_at: at(8) };
    const waiting = stage("one", { attempt: 1, history: [failed], error_message: "no" });
    const bars = barsOf(rowsOf(project([waiting], { status: "queued" }), ms(12)), "one");
    expect(bars).toMatchObject([
      { kind: "attempt", status: "failed", attempt: 1, fromMs: ms(5), toMs: ms(8) },
      { kind: "wait", fromMs: ms(8), toMs: ms(12), open: true },
    ]);
    const again = stage("one", { status: "running", attempt: 2, started_at: at(13), history: [failed] });
    expect(barsOf(rowsOf(project([again]), ms(15)), "one")).toMatchObject([
      { attempt: 1, status: "failed" },
      { kind: "wait", fromMs: ms(8), toMs: ms(13), open: false },
      { attempt: 2, status: "running", fromMs: ms(13), toMs: ms(15) },
    ]);
  });

  it("ends with the build: nothing grows after it", () => {
    const cancelled = stage("one", { status: "cancelled", attempt: 1, started_at: at(2) });
    const ended = project([cancelled, stage("two")], { status: "cancelled", completed_at: at(6) });
    expect(barsOf(rowsOf(ended, ms(999)), "one")).toMatchObject([{ toMs: ms(6), open: false }]);
    expect(wholeSpan(rowsOf(ended, ms(999)))).toEqual({ fromMs: ms(0), toMs: ms(6) });
  });

  it("counts the time in the queue after a retry too", () => {
    const done = stage("one", {
      status: "failed",
      attempt: 1,
      started_at: at(2),
      completed_at: at(3),
      error_message: "",
    });
    const retried = project([done], {
      status: "queued",
      restart_from: "one",
      control: { op: "retry x", at: at(60) },
    });
    const rows = rowsOf(retried, ms(62));
    expect(barsOf(rows, "queue")).toMatchObject([
      { fromMs: ms(0), toMs: ms(2) },
      { fromMs: ms(60), toMs: ms(62), open: true },
    ]);
    expect(barsOf(rows, "one")).toHaveLength(1);
  });

  it("gives no length to what ends before it begins", () => {
    const odd = stage("one", { status: "completed", attempt: 1, started_at: at(9), completed_at: at(5) });
    expect(barsOf(rowsOf(project([odd]), ms(20)), "one")).toMatchObject([{ fromMs: ms(9), toMs: ms(9) }]);
  });
});

describe("the usual time", () => {
  const bar = (kind: "attempt" | "gate", from: number, to: number, open = false) => ({
    kind,
    status: "running" as const,
    fromMs: ms(from),
    toMs: ms(to),
    open,
  });
  it("belongs to the last attempt, and to no gate", () => {
    const rows: Row[] = [
      { id: "a", kind: "stage", stage: "a", bars: [bar("attempt", 0, 1), bar("attempt", 2, 3)] },
      { id: "g", kind: "stage", stage: "g", bars: [bar("attempt", 3, 4), bar("gate", 4, 4)] },
      { id: "new", kind: "stage", stage: "new", bars: [bar("attempt", 3, 4)] },
    ];
    const usual = withUsual(rows, (stage) => ({ a: 8, g: 9 })[stage]);
    expect(usual.map(({ bars }) => bars.map(({ usualMs }) => usualMs))).toEqual([
      [undefined, 8000],
      [undefined, undefined],
      [undefined],
    ]);
  });

  it("makes room for what runs, and for nothing that has ended", () => {
    const rows = (open: boolean): Row[] =>
      withUsual([{ id: "a", kind: "stage", stage: "a", bars: [bar("attempt", 2, 3, open)] }], () => 8);
    const span = { fromMs: ms(0), toMs: ms(3) };
    expect(withExpected(span, rows(true))).toEqual({ fromMs: ms(0), toMs: ms(10) });
    expect(withExpected(span, rows(false))).toEqual(span);
  });
});

describe("the scale", () => {
  it("is true: shares of the width are shares of the time", () => {
    const span = { fromMs: 0, toMs: 8000 };
    expect([0, 2000, 8000, 9000, -5].map((time) => shareOf(span, time))).toEqual([0, 0.25, 1, 1, 0]);
    expect(shareOf({ fromMs: 5, toMs: 5 }, 5)).toBe(0);
  });

  it.each([
    [900, 6, [0, 200, 400, 600, 800]],
    [45_000, 5, [0, 10_000, 20_000, 30_000, 40_000]],
    [3 * 3600_000, 4, [0, 3600_000, 7200_000, 10_800_000]],
  ])("marks %i ms at round times", (length, most, offsets) => {
    const ticks = ticksOf({ fromMs: ms(0), toMs: ms(0) + length }, most);
    expect(ticks.map((tick) => tick.offsetMs)).toEqual(offsets);
    expect(ticks.map((tick) => tick.at)).toEqual(offsets.map((offset) => offset / length));
  });

  it("never makes more marks than asked for, however long the time", () => {
    for (const length of [1, 10, 999, 61_000, 86_400_000 * 3, 86_400_000 * 5000])
      expect(ticksOf({ fromMs: 0, toMs: length }, 6).length).toBeLessThanOrEqual(7);
  });

  it("cuts out a week in which nothing happened, and no short pause", () => {
    const bar = (from: number, to: number) => ({
      kind: "attempt" as const,
      status: "completed" as const,
      fromMs: ms(from),
      toMs: ms(to),
      open: false,
    });
    const week = 7 * 86_400;
    const bars = [bar(0, 10), bar(12, 20), bar(week, week + 5)];
    const wait = { ...bar(20, week), kind: "wait" as const };
    const rows: Row[] = [{ id: "a", kind: "stage", stage: "a", bars: [...bars, wait] }];
    const spans = activeSpans(rows);
    expect(spans).toEqual([
      { fromMs: ms(0), toMs: ms(20) },
      { fromMs: ms(week), toMs: ms(week + 5) },
    ]);
    expect(spans.map((span) => barsIn(span, bars).length)).toEqual([2, 1]);
    expect(activeSpans([])).toEqual([]);
    expect(wholeSpan([])).toBeUndefined();
  });
});
