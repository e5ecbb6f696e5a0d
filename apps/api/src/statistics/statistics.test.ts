import { MemoryProjectStore, toTime } from "@stagefold/core";
import { describe, expect, it, vi } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";
import { putAll, yearOfBuilds } from "../../test/year-of-builds.ts";

describe("stats.overview", () => {
  it("counts projects by their state, once for all who ask within a few seconds", async () => {
    const store = new MemoryProjectStore();
    const deps = memoryDeps(store);
    const { projects, stats } = callerOf(deps);
    const counts = vi.spyOn(store, "counts");
    const { project_id } = await projects.create({ requirement: "a" });
    await projects.create({ requirement: "b" });
    await projects.cancel({ project_id });
    const [first] = await Promise.all([stats.overview(), stats.overview()]);
    expect(first).toMatchObject({
      total: 2,
      by_status: { queued: 1, cancelled: 1, failed: 0 },
      success_rate: null,
    });
    expect(counts).toHaveBeenCalledTimes(1);
    await projects.create({ requirement: "c" });
    expect(await stats.overview()).toEqual(first);
    deps.clock.pass(10);
    expect(await stats.overview()).toMatchObject({ total: 3 });
  });

  it("are not kept longer where the clock is set back", async () => {
    const deps = memoryDeps();
    const { projects, stats } = callerOf(deps);
    const totals = async () => [(await stats.overview()).total, (await stats.builds({ days: 1 })).all.total];
    await projects.create({ requirement: "a" });
    expect(await totals()).toEqual([1, 1]);
    deps.clock.set("2025-06-01T09:00:00.000Z");
    await projects.create({ requirement: "b" });
    deps.clock.pass(10);
    expect(await totals()).toEqual([2, 2]);
  });

  it("S5: three deletes and a question count the builds once", async () => {
    const store = new MemoryProjectStore();
    const deps = memoryDeps(store);
    const { projects, stats } = callerOf(deps);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await projects.create({ requirement: "r" })).project_id);
    expect((await stats.overview()).total).toBe(5);
    const [counts, list] = [vi.spyOn(store, "counts"), vi.spyOn(store, "list")];
    for (const project_id of ids.slice(0, 3)) await projects.delete({ project_id });
    deps.clock.pass(10);
    expect((await stats.overview()).total).toBe(2);
    expect([counts, list].map((spy) => spy.mock.calls.length)).toEqual([1, 0]);
  });
});

describe("stats.builds", () => {
  it("are of a user as one sees them, have cost and queue, and are held against the days before", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    const build = async (day: string, user_name: string, cost_usd: number) => {
      deps.clock.set(`${day}T12:00:00.000Z`);
      const program = await Program.begin(caller, { user_id: user_name.slice(0, 3), user_name });
      deps.clock.pass(4);
      await program.report({ event: "started", stage: "one" });
      await program.report(
        { event: "completed", stage: "one", metrics: { cost_usd } },
        { event: "skipped", stage: "two", reason: "-" },
      );
    };
    await build("2025-05-30", "Grace Hopper", 0.5);
    await build("2025-06-01", "Grace Hopper", 0.25);
    await build("2025-06-02", "Ada Lovelace", 2);
    const { all, before, days } = await caller.stats.builds({ days: 2, user: "hopper", before: true });
    expect(days.map(({ date, total }) => [date, total])).toEqual([
      ["2025-06-01", 1],
      ["2025-06-02", 0],
    ]);
    expect(all).toMatchObject({ total: 1, cost_usd: 0.25 });
    expect(before).toMatchObject({ total: 1, cost_usd: 0.5 });
    const everyone = await caller.stats.builds({ days: 2 });
    expect(everyone.all).toMatchObject({ total: 2, cost_usd: 2.25 });
    expect(everyone.all.queue_seconds).toEqual({ median: expect.any(Number), p95: expect.any(Number) });
    expect(everyone.before).toBeUndefined();
  });

  it("sums up builds by the day they were created on", async () => {
    const deps = memoryDeps();
    const caller = callerOf(deps);
    for (const [created, seconds] of [
      ["2025-05-31T12:00:00.000Z", 10],
      ["2025-06-01T01:00:00.000Z", 30],
    ] as const) {
      deps.clock.set(created);
      const program = await Program.begin(caller);
      await program.report({ event: "started", stage: "one" });
      deps.clock.pass(seconds);
      await program.report(
        { event: "completed", stage: "one", metrics: { input_tokens: 5, output_tokens: 1 } },
        { event: "skipped", stage: "two", reason: "-" },
      );
    }
    const failing = await Program.begin(caller);
    await failing.report(
      { event: "started", stage: "one" },
      { event: "failed", stage: "one", message: "no" },
    );
    const builds = await caller.stats.builds({ days: 2 });
    expect(builds.days.map(({ date, total, completed, failed }) => [date, total, completed, failed])).toEqual(
      [
        ["2025-05-31", 1, 1, 0],
        ["2025-06-01", 2, 1, 1],
      ],
    );
    expect(builds.days[1]).toMatchObject({
      success_rate: 0.5,
      duration_seconds: { median: 30, p95: 30 },
      input_tokens: 5,
    });
    expect(builds.all.duration_seconds).toEqual({ median: 20, p95: 29 });
    expect(builds.all.stage_seconds.one).toEqual({ builds: 3, median: 10, total: 40 });
    expect(builds.all.stage_failures).toEqual({ one: 1 });
    expect(builds.days[0]?.stage_failures).toEqual({});
  });

  // The offsets of these zones change within the days that are asked for.
  it.each([
    ["Europe/Berlin", "2025-03-30T21:59:59.999Z", "2025-03-30"],
    ["Europe/Berlin", "2025-03-30T22:00:00.000Z", "2025-03-31"],
    ["Europe/Berlin", "2025-03-29T22:59:59.999Z", "2025-03-29"],
    ["Europe/Berlin", "2025-03-29T23:00:00.000Z", "2025-03-30"],
    ["America/New_York", "2025-11-02T03:59:59.999Z", "2025-11-01"],
    ["America/New_York", "2025-11-02T04:00:00.000Z", "2025-11-02"],
    ["America/New_York", "2025-11-03T04:59:59.999Z", "2025-11-02"],
    ["America/New_York", "2025-11-03T05:00:00.000Z", "2025-11-03"],
    ["Asia/Shanghai", "2025-06-01T16:00:00.000Z", "2025-06-02"],
    ["Pacific/Kiritimati", "2025-06-01T10:00:00.000Z", "2025-06-02"],
  ])("in %s, %s is on %s", async (time_zone, created, date) => {
    const deps = memoryDeps();
    const { projects, stats } = callerOf(deps);
    deps.clock.set(created);
    await projects.create({ requirement: "x" });
    for (const days of [1, 3, 366]) {
      const builds = await stats.builds({ days, time_zone });
      expect(builds.days).toHaveLength(days);
      expect(builds.days.at(-1)).toMatchObject({ date, total: 1, open: 1 });
    }
  });

  it("has each day once, also where a day has 23 or 25 hours", async () => {
    const deps = memoryDeps();
    deps.clock.set("2025-11-20T12:00:00.000Z");
    const { stats } = callerOf(deps);
    const dates = (await stats.builds({ days: 366, time_zone: "Europe/Berlin" })).days.map(
      ({ date }) => date,
    );
    expect(new Set(dates).size).toBe(366);
    expect([dates[0], dates.at(-1)]).toEqual(["2024-11-20", "2025-11-20"]);
  });

  it("refuses zones that there are not, and too many days", async () => {
    const { stats } = callerOf(memoryDeps());
    for (const input of [{ days: 1, time_zone: "Mars/Olympus" }, { days: 0 }, { days: 367 }, { days: 1.5 }])
      expect(await refusal(stats.builds(input))).toMatchObject({ code: "INVALID_INPUT" });
  });

  const DAY_MS = 86_400_000;
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

  // The days on which these zones change their clocks, by an hour or half of one, at midnight or by a whole day.
  it.each([
    ["America/Santiago", "2025-04-06"],
    ["America/Santiago", "2025-09-07"],
    ["Europe/Berlin", "2025-10-26"],
    ["Australia/Lord_Howe", "2025-10-05"],
    ["Australia/Lord_Howe", "2025-04-06"],
    ["Pacific/Apia", "2011-12-31"],
    ["Asia/Kathmandu", "2025-06-01"],
  ])(
    "C9: in %s around %s every build is on one day, and the days sum up to the whole",
    async (time_zone, day) => {
      const store = new MemoryProjectStore();
      const deps = memoryDeps(store);
      const middle = Date.parse(`${day}T12:00:00.000Z`);
      const builds = [...yearOfBuilds(240, middle)].map((item, i) => ({
        ...item,
        created_at: toTime(middle - 3 * DAY_MS + i * 1_800_000),
      }));
      await putAll(store, builds);
      deps.clock.set(toTime(middle + 3 * DAY_MS));
      const { days, all } = await callerOf(deps).stats.builds({ days: 12, time_zone });
      expect(all.total).toBe(240);
      for (const field of [
        "total",
        "completed",
        "failed",
        "cancelled",
        "open",
        "input_tokens",
        "tool_calls",
      ] as const)
        expect(sum(days.map((one) => one[field])), field).toBe(all[field]);
      const format = new Intl.DateTimeFormat("sv", { timeZone: time_zone });
      for (const { date, total } of days)
        expect([date, total]).toEqual([
          date,
          builds.filter((one) => format.format(Date.parse(one.created_at)) === date).length,
        ]);
    },
  );

  it("C9: times that cannot be give no negative duration and no NaN", async () => {
    const store = new MemoryProjectStore();
    const deps = memoryDeps(store);
    const now = deps.repository.now();
    const times = [
      { started_at: now, completed_at: "1970-01-01T00:00:00.000Z" },
      { started_at: "2099-01-01T00:00:00.000Z", completed_at: now },
      { started_at: "1970-01-01T00:00:00.000Z", completed_at: "not a time" },
      { started_at: now, completed_at: now, build_summary: summary({ one: -5, two: 3 }) },
      { started_at: now, completed_at: now, build_summary: summary({ one: 1e308, two: 1e308 }) },
      { created_at: "1970-01-01T00:00:00.000Z" },
      { created_at: "2099-01-01T00:00:00.000Z" },
    ];
    await putAll(
      store,
      [...yearOfBuilds(times.length, Date.parse(now))].map(({ build_summary: _s, ...item }, i) => ({
        ...item,
        status: "completed",
        created_at: now,
        ...times[i],
      })),
    );
    const builds = await callerOf(deps).stats.builds({ days: 3, time_zone: "Asia/Kathmandu" });
    expect(builds.all).toMatchObject({ total: 5, completed: 5 });
    const numbers: number[] = [];
    JSON.stringify(builds, (_key, value: unknown) => {
      if (typeof value === "number") numbers.push(value);
      return value;
    });
    expect(numbers.filter((number) => !Number.isFinite(number) || number < 0)).toEqual([]);
    expect(JSON.stringify(builds.all)).not.toContain("null,");
  });

  function summary(stage_seconds: Record<string, number>) {
    return { stage_seconds, input_tokens: 1, output_tokens: 1, tool_calls: 0, artifacts: 0 };
  }

  it("L11: a build that is retried after months took the time of its stages", async () => {
    const deps = memoryDeps();
    deps.clock.set("2025-03-18T10:00:00.000Z");
    const caller = callerOf(deps);
    const program = await Program.begin(caller);
    const { project_id } = program;
    const work = async (runs: Program, seconds: number, stage: string) => {
      await runs.report({ event: "started", stage });
      deps.clock.pass(seconds);
    };
    await work(program, 10, "one");
    await program.report({ event: "failed", stage: "one", message: "no" });
    deps.clock.pass(75 * 86_400);
    await caller.projects.retry({ project_id });
    const again = await Program.claim(caller, project_id);
    await work(again, 20, "one");
    await again.report({ event: "completed", stage: "one" });
    await work(again, 5, "two");
    await again.report({ event: "completed", stage: "two" });
    const { all } = await caller.stats.builds({ days: 100 });
    expect(all).toMatchObject({ total: 1, completed: 1 });
    expect(all.duration_seconds?.median).toBeGreaterThanOrEqual(25);
    expect(all.duration_seconds?.p95).toBeLessThan(60);
  });

  it("can be asked of one pipeline", async () => {
    const deps = memoryDeps();
    const { projects, stats } = callerOf(deps);
    await projects.create({ requirement: "x" });
    await projects.create({ requirement: "x", pipeline: "two-steps" });
    expect((await stats.builds({ days: 1, pipeline: "two-steps" })).all.total).toBe(1);
    expect((await stats.builds({ days: 1 })).all.total).toBe(2);
  });
});
