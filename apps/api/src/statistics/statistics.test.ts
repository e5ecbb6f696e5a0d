import { MemoryProjectStore } from "@stagefold/core";
import { describe, expect, it, vi } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";

describe("stats.overview", () => {
  it("counts projects by their state, once for all who ask within a few seconds", async () => {
    const store = new MemoryProjectStore();
    const deps = memoryDeps(store);
    const { projects, stats } = callerOf(deps);
    const list = vi.spyOn(store, "list");
    const { project_id } = await projects.create({ requirement: "a" });
    await projects.create({ requirement: "b" });
    await projects.cancel({ project_id });
    const [first] = await Promise.all([stats.overview(), stats.overview()]);
    expect(first).toMatchObject({
      total: 2,
      by_status: { queued: 1, cancelled: 1, failed: 0 },
      success_rate: null,
    });
    expect(list).toHaveBeenCalledTimes(10);
    await projects.create({ requirement: "c" });
    expect(await stats.overview()).toEqual(first);
    deps.clock.pass(10);
    expect(await stats.overview()).toMatchObject({ total: 3 });
  });
});

describe("stats.builds", () => {
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
});
