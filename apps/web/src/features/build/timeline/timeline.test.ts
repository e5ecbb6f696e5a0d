import { describe, expect, it, test } from "vitest";
import type { Project, Stage } from "../../../lib/api.ts";
import { type Bar, queueTime, type Row, rowsOf, withUsual } from "./bars.ts";
import { barsIn, breaksIn, scaleOf, shareAt, ticksOf, timeAt, viewAround, WHOLE, zoomed } from "./scale.ts";

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
      completed_at: at(8),
      attempt: 1,
      output_data: { artifacts: [], artifact_info: {}, answer: { ok: true }, by: "user:ada", at: at(8) },
    } as Partial<Stage>);
    const rows = rowsOf(project([running, asks, asked]), ms(20));
    expect(barsOf(rows, "run")).toMatchObject([{ kind: "attempt", open: true, progress: 40 }]);
    expect(barsOf(rows, "ask")).toMatchObject([
      { kind: "ask", status: "waiting", fromMs: ms(2), toMs: ms(20), open: true },
      { kind: "gate", status: "waiting", fromMs: ms(20) },
    ]);
    expect(barsOf(rows, "asked")).toMatchObject([
      { kind: "ask", fromMs: ms(2), toMs: ms(8), open: false },
      { kind: "gate", status: "completed", fromMs: ms(8), toMs: ms(8) },
    ]);
  });

  it("has each stage, and a stage's parts in their order", () => {
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
    expect(rows.map((row) => row.id)).toEqual(["one", "two", "two/a", "two/b", "three"]);
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
  });

  it("gives no length to what ends before it begins", () => {
    const odd = stage("one", { status: "completed", attempt: 1, started_at: at(9), completed_at: at(5) });
    expect(barsOf(rowsOf(project([odd]), ms(20)), "one")).toMatchObject([{ fromMs: ms(9), toMs: ms(9) }]);
  });
});

test("the time in the queue is that before the first start, and that since a retry", () => {
  const done = stage("one", {
    status: "failed",
    attempt: 1,
    started_at: at(2),
    completed_at: at(3),
    error_message: "",
  });
  expect(queueTime(project([stage("one")], { status: "queued" }), ms(7))).toEqual({ ms: 7000, open: true });
  expect(queueTime(project([done]), ms(9))).toEqual({ ms: 2000, open: false });
  const control = { op: "retry x", at: at(60) };
  const retried = project([done], { status: "queued", restart_from: "one", control });
  expect(queueTime(retried, ms(62))).toEqual({ ms: 4000, open: true });
  expect(queueTime(project([stage("one")], { status: "paused" }), ms(7))).toBeUndefined();
});

const bar = (kind: Bar["kind"], from: number, to: number, fields: Partial<Bar> = {}): Bar => ({
  kind,
  status: "completed",
  attempt: 1,
  fromMs: ms(from),
  toMs: ms(to),
  open: false,
  ...fields,
});
const row = (...bars: Bar[]): Row => ({ id: "a", kind: "stage", stage: "a", bars });

describe("the usual time", () => {
  it("belongs to the last attempt, and to no gate", () => {
    const rows: Row[] = [
      { ...row(bar("attempt", 0, 1), bar("attempt", 2, 3)), stage: "a" },
      { ...row(bar("ask", 3, 4), bar("gate", 4, 4)), stage: "g" },
      { ...row(bar("attempt", 3, 4)), stage: "new" },
    ];
    const usual = withUsual(rows, (key) => ({ a: 8, g: 9 })[key]);
    expect(usual.map(({ bars }) => bars.map(({ usualMs }) => usualMs))).toEqual([
      [undefined, 8000],
      [undefined, undefined],
      [undefined],
    ]);
  });

  it("makes room for what runs, and for nothing that has ended", () => {
    const end = (open: boolean) =>
      scaleOf([row(bar("attempt", 2, 3, { open, usualMs: 8000 }))], ms(3)).at(-1)?.toMs;
    expect([end(true), end(false)]).toEqual([ms(10), ms(3)]);
  });
});

describe("the scale", () => {
  it("is true where something runs: shares of the width are shares of the time", () => {
    const scale = scaleOf([row(bar("attempt", 0, 8))], ms(8));
    expect([0, 2, 8, 9, -5].map((second) => shareAt(scale, ms(second)))).toEqual([0, 0.25, 1, 1, 0]);
    expect(timeAt(scale, 0.25)).toBe(ms(2));
    expect(scaleOf([], ms(0))).toHaveLength(1);
  });

  it("cuts a gate of a day, a wait and a week before a retry, and no short pause", () => {
    const [day, week] = [86_400, 7 * 86_400];
    const rows = [
      row(bar("attempt", 0, 10), bar("wait", 10, 11), bar("attempt", 11, 20)),
      row(bar("ask", 20, day), bar("gate", day, day)),
      row(bar("attempt", day, day + 20), bar("wait", day + 20, week), bar("attempt", week, week + 10)),
    ];
    const scale = scaleOf(rows, ms(week + 10));
    expect(scale.map(({ cut }) => cut)).toEqual([false, true, false, true, false]);
    expect(breaksIn(scale, WHOLE).map(({ seconds }) => seconds)).toEqual([day - 20, week - day - 20]);
    const width = (from: number, to: number) => shareAt(scale, ms(to)) - shareAt(scale, ms(from));
    // All that is not cut has one pace.
    expect(width(0, 10)).toBeCloseTo(width(day, day + 10));
    expect(width(0, 20) + width(day, day + 20) + width(week, week + 10)).toBeCloseTo(0.8);
    expect(timeAt(scale, shareAt(scale, ms(day + 7)))).toBeCloseTo(ms(day + 7), 0);
    // Marks count on as if nothing had been cut, and each of them is there once.
    expect(ticksOf(scale, WHOLE, 5).map(({ offsetMs }) => offsetMs / 1000)).toEqual([0, 15, 30, 45]);
  });

  it("cuts nothing of a build that only waits, and leaves room between many cuts", () => {
    expect(scaleOf([row(bar("ask", 0, 999), bar("gate", 999, 999))], ms(999))).toHaveLength(1);
    const many = row(...Array.from({ length: 20 }, (_, i) => bar("attempt", i * 1000, i * 1000 + 1)));
    const scale = scaleOf([many], ms(20_000));
    const worked = scale.filter(({ cut }) => !cut).reduce((sum, { from, to }) => sum + to - from, 0);
    expect(worked).toBeCloseTo(0.6);
    expect(scale.at(-1)?.to).toBeCloseTo(1);
  });

  it("is zoomed where one points, no further than its ends, and shows what is there", () => {
    const bars = row(bar("attempt", 0, 10), bar("attempt", 90, 100));
    const scale = [{ fromMs: ms(0), toMs: ms(100), from: 0, to: 1, cut: false }];
    const near = zoomed(WHOLE, 0.5, 0.5);
    expect(near).toEqual({ from: 0.25, to: 0.75 });
    expect(zoomed(near, 0.5, 0)).toEqual({ from: 0.25, to: 0.5 });
    expect(zoomed(near, 4, 0.5)).toEqual(WHOLE);
    expect(viewAround(0, 0.2)).toEqual({ from: 0, to: 0.2 });
    expect(barsIn(scale, { from: 0, to: 0.2 }, bars.bars)).toMatchObject([{ from: 0, to: 0.5 }]);
    expect(barsIn(scale, WHOLE, bars.bars)).toHaveLength(2);
  });

  it.each([
    [900, 6, [0, 200, 400, 600, 800]],
    [45_000, 5, [0, 10_000, 20_000, 30_000, 40_000]],
    [3 * 3600_000, 4, [0, 3600_000, 7200_000, 10_800_000]],
  ])("marks %i ms at round times", (length, most, offsets) => {
    const scale = [{ fromMs: ms(0), toMs: ms(0) + length, from: 0, to: 1, cut: false }];
    const ticks = ticksOf(scale, WHOLE, most);
    expect(ticks.map((tick) => tick.offsetMs)).toEqual(offsets);
    expect(ticks.map((tick) => tick.at)).toEqual(offsets.map((offset) => offset / length));
  });

  it("never makes more marks than asked for, however long the time", () => {
    for (const length of [1, 10, 999, 61_000, 86_400_000 * 3, 86_400_000 * 5000]) {
      const scale = [{ fromMs: 0, toMs: length, from: 0, to: 1, cut: false }];
      expect(ticksOf(scale, WHOLE, 6).length).toBeLessThanOrEqual(7);
    }
  });
});
