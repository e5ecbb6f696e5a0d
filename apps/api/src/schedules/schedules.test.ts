import { agentVersionSchema, MemoryRecordStore } from "@stagefold/core";
import { afterEach, describe, expect, it, test } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { memoryDeps } from "../../test/fixture.ts";
import { serve } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";
import { createContextInner } from "../context.ts";
import { appRouter } from "../routers/index.ts";
import { nextTime, nextTimes } from "./next-time.ts";
import { Scheduler } from "./scheduler.ts";

const HOUR_MS = 3_600_000;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The same records and builds, seen by two API processes. */
function twoProcesses() {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records };
  deps.clock.set("2026-01-01T00:00:00.000Z");
  const contexts = [createContextInner(deps), createContextInner(deps)] as const;
  const schedulers = contexts.map((context) => new Scheduler({ context }));
  const call = appRouter.createCaller(contexts[0]);
  const create = (more: object = {}) =>
    call.schedules.create({ name: "nightly", cron: "0 3 * * *", build: { requirement: "x" }, ...more });
  const builds = async () => (await call.projects.list({ limit: 100 })).items;
  const serveAll = async () => {
    for (const scheduler of schedulers) await scheduler.serveDue();
  };
  return { deps, records, call, create, builds, schedulers, serveAll };
}

/** Wall-clock time there, `HH:mm`. */
function wallClock(time: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(
    new Date(time),
  );
}

describe("times", () => {
  // Without SOAK the weeks around the changes of March and April alone.
  it("of daily schedules in five zones make one build a day over a year, at the same time of the clock", async () => {
    const { deps, call, create, builds, serveAll } = twoProcesses();
    const [from, end, days] = SOAK ? ["2026-01-01", "2027-01-01", 365] : ["2026-03-01", "2026-04-12", 42];
    deps.clock.set(`${from}T00:00:00.000Z`);
    for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"])
      await create({ cron: "30 7 * * *", time_zone: zone, build: { requirement: "x", tags: [zone] } });
    const times = new Map<string, string[]>();
    for (;;) {
      const next = (await call.schedules.list()).items.map(({ next_at = "" }) => next_at).toSorted()[0] ?? "";
      if (next >= end) break;
      deps.clock.set(next);
      await serveAll();
      for (const { project_id, created_at, tags } of await builds()) {
        times.set(String(tags), [...(times.get(String(tags)) ?? []), created_at]);
        await call.projects.cancel({ project_id });
        await call.projects.delete({ project_id });
      }
    }
    expect(times.size).toBe(5);
    for (const [zone, all] of times) {
      expect([zone, all.length, new Set(all).size]).toEqual([zone, days, days]);
      expect(new Set(all.map((time) => wallClock(time, zone)))).toEqual(new Set(["07:30"]));
    }
  });

  it("that the clock leaves out come at the end of the gap, and those that it has twice come once", () => {
    const first = nextTime("30 2 * * *", "Europe/Berlin", Date.parse("2026-03-28T12:00:00.000Z"));
    expect(first).toBe("2026-03-29T01:00:00.000Z");
    const before = Date.parse("2026-10-24T12:00:00.000Z");
    const once = nextTime("30 2 * * *", "Europe/Berlin", before) ?? "";
    expect(once).toBe("2026-10-25T00:30:00.000Z");
    expect(nextTime("30 2 * * *", "Europe/Berlin", Date.parse(once))).toBe("2026-10-26T01:30:00.000Z");
  });

  it.each([
    ["0 2,14 * * *", ["03-29T01:00", "03-29T12:00"], ["10-25T00:00", "10-25T13:00"]],
    ["0,30 2 * * *", ["03-29T01:00", "03-30T00:00"], ["10-25T00:00", "10-25T00:30", "10-26T01:00"]],
    ["*/30 2 * * *", ["03-30T00:00"], ["10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30"]],
  ])(
    "of the lists and ranges of %s are times of the clock too, and those of a step are intervals",
    (cron, spring, autumn) => {
      const times = (day: string, count: number) =>
        nextTimes(cron, "Europe/Berlin", Date.parse(`2026-${day}T20:00:00.000Z`), count).map((time) =>
          time.slice(5, 16),
        );
      expect(times("03-28", spring.length)).toEqual(spring);
      expect(times("10-24", autumn.length)).toEqual(autumn);
    },
  );

  it.each([
    [{ cron: "* * * * * *" }, "cron"],
    [{ cron: "61 * * * *" }, "cron"],
    [{ cron: "every day" }, "cron"],
    [{ time_zone: "Europe/Nowhere" }, "time_zone"],
    [{ cron: "0 0 30 2 *" }, "cron"],
    [{ cron: "0 0 31 4,6,9,11 *" }, "cron"],
  ])("of %o are refused, naming the field", async (more, field) => {
    const { create, call } = twoProcesses();
    await expect(create(more)).rejects.toMatchObject({
      cause: { code: "INVALID_INPUT", data: { issues: [expect.stringContaining(field)] } },
    });
    expect((await call.schedules.list()).items).toEqual([]);
  });
});

describe("a schedule", () => {
  it("starts one build at its time, whichever processes look", async () => {
    const { deps, call, create, builds, schedulers } = twoProcesses();
    const made = await create({ build: { requirement: "a calculator", tags: ["nightly"], priority: 4 } });
    expect(made).toMatchObject({ status: "active", next_at: "2026-01-01T03:00:00.000Z", time_zone: "UTC" });
    await Promise.all(schedulers.map((scheduler) => scheduler.serveDue()));
    expect(await builds()).toEqual([]);
    deps.clock.set("2026-01-01T03:00:00.500Z");
    await Promise.all(schedulers.map((scheduler) => scheduler.serveDue()));
    const [build, ...others] = await builds();
    expect(others).toEqual([]);
    expect(build).toMatchObject({ tags: ["nightly"], priority: 4, status: "queued" });
    expect(await call.schedules.get({ schedule_id: made.schedule_id })).toMatchObject({
      next_at: "2026-01-02T03:00:00.000Z",
      last: { at: "2026-01-01T03:00:00.000Z", project_id: build?.project_id },
      next_times: ["2026-01-02T03:00:00.000Z", "2026-01-03T03:00:00.000Z"].concat(
        [4, 5, 6].map((day) => `2026-01-0${day}T03:00:00.000Z`),
      ),
    });
  });

  it("makes no second build when a process dies between the build and the record of it", async () => {
    const { deps, records, create, builds, serveAll } = twoProcesses();
    await create();
    deps.clock.set("2026-01-01T03:00:00.500Z");
    const write = records.write.bind(records);
    records.write = () => Promise.reject(new Error("killed"));
    await expect(serveAll()).rejects.toThrow("killed");
    records.write = write;
    await serveAll();
    expect(await builds()).toHaveLength(1);
  });

  it("L19: that was served or made while the clock was ahead comes at its next time when the clock is right again", async () => {
    const { deps, call, create, builds, serveAll } = twoProcesses();
    const { schedule_id } = await create();
    await serveAll();
    deps.clock.set("2027-06-01T12:00:00.000Z");
    await serveAll();
    const late = await create({ name: "late" });
    deps.clock.set("2026-01-01T12:00:00.000Z");
    await serveAll();
    for (const id of [schedule_id, late.schedule_id])
      expect(await call.schedules.get({ schedule_id: id })).toMatchObject({
        next_at: "2026-01-02T03:00:00.000Z",
      });
    const before = (await builds()).length;
    deps.clock.set("2026-01-02T03:00:00.500Z");
    await serveAll();
    expect(await builds()).toHaveLength(before + 2);
  });

  it.each([
    ["run_once", 1],
    ["skip", 0],
  ] as const)("whose times were missed: %s makes %i builds", async (missed, count) => {
    const { deps, call, create, builds, serveAll } = twoProcesses();
    const { schedule_id } = await create({ missed });
    deps.clock.set("2026-01-04T12:00:00.000Z");
    await serveAll();
    expect(await builds()).toHaveLength(count);
    const { last, next_at } = await call.schedules.get({ schedule_id });
    expect(last).toMatchObject({ at: "2026-01-01T03:00:00.000Z", missed: 4 });
    expect(next_at).toBe("2026-01-05T03:00:00.000Z");
  });

  it("is paused, resumed, changed, run by hand and deleted", async () => {
    const { deps, call, create, builds, serveAll } = twoProcesses();
    const { schedule_id } = await create();
    expect((await call.schedules.pause({ schedule_id })).next_at).toBeUndefined();
    deps.clock.set("2026-01-03T12:00:00.000Z");
    await serveAll();
    expect(await builds()).toEqual([]);
    expect((await call.schedules.resume({ schedule_id })).next_at).toBe("2026-01-04T03:00:00.000Z");
    const changed = await call.schedules.update({
      schedule_id,
      cron: "0 9 * * *",
      time_zone: "Asia/Shanghai",
    });
    expect(changed).toMatchObject({
      next_at: "2026-01-04T01:00:00.000Z",
      missed: "run_once",
      name: "nightly",
    });
    const [first, second] = await Promise.all([
      call.schedules.run({ schedule_id, operation_id: "by hand" }),
      call.schedules.run({ schedule_id, operation_id: "by hand" }),
    ]);
    expect(first.last?.project_id).toBe(second.last?.project_id);
    expect(await builds()).toHaveLength(1);
    await call.schedules.delete({ schedule_id });
    await expect(call.schedules.get({ schedule_id })).rejects.toMatchObject({
      cause: { code: "SCHEDULE_NOT_FOUND" },
    });
  });

  it("that cannot start its build says why, and keeps no other from starting", async () => {
    const { deps, call, create, builds, records, serveAll } = twoProcesses();
    const bad = await create({ cron: "0 1 * * *", build: { requirement: "x", pipeline: "two-steps" } });
    await create();
    // A record that no version of the program has written, and which is due first.
    await records.write({
      pk: "schedule#damaged",
      sk: "schedule",
      kind: "put",
      guards: [],
      item: {
        pk: "schedule#damaged",
        sk: "schedule",
        gsi1_pk: "schedules#due",
        gsi1_sk: "2",
        listed: { a: 1 },
      },
    });
    deps.pipelines.get = (name) => (name === "two-steps" ? undefined : memoryDeps().pipelines.get(name));
    deps.clock.set("2026-01-01T03:00:01.000Z");
    await serveAll();
    expect(await builds()).toHaveLength(1);
    const { last } = await call.schedules.get({ schedule_id: bad.schedule_id });
    expect(last).toMatchObject({ error: expect.stringContaining("two-steps") });
  });

  it("that this Node cannot time says so, and keeps no other from coming, nor those of a clock that was ahead", async () => {
    const { deps, call, create, builds, records, serveAll } = twoProcesses();
    await serveAll();
    const damage = async (schedule_id: string) => {
      const key = { pk: `schedule#${schedule_id}`, sk: "schedule" };
      const edits = [{ op: "set", path: ["listed", "time_zone"], value: "Mars/Olympus" } as const];
      await records.write({ ...key, kind: "update", guards: [], edits });
      return schedule_id;
    };
    const once = await damage((await create({ cron: "0 1 * * *" })).schedule_id);
    const skipped = await damage((await create({ cron: "0 1 * * *", missed: "skip" })).schedule_id);
    const good = await create();
    deps.clock.set("2026-01-01T03:00:01.000Z");
    await serveAll();
    expect(await builds()).toHaveLength(2);
    for (const schedule_id of [once, skipped]) {
      const { status, next_at, next_times, last } = await call.schedules.get({ schedule_id });
      expect([status, next_at, next_times]).toEqual(["active", undefined, []]);
      const error = expect.stringContaining("Mars/Olympus");
      expect(last).toMatchObject({ at: "2026-01-01T01:00:00.000Z", missed: 1, error });
    }
    // A clock that was ahead until now: the times of all are decided again.
    await damage(good.schedule_id);
    const late = await create();
    deps.clock.set("2025-06-01T00:00:00.000Z");
    await serveAll();
    const next = async (schedule_id: string) => (await call.schedules.get({ schedule_id })).next_at;
    expect([await next(good.schedule_id), await next(late.schedule_id)]).toEqual([
      undefined,
      "2025-06-01T03:00:00.000Z",
    ]);
  });

  it("over an agent of another user is refused when it is made, also by an operator: it would fail each time", async () => {
    const { deps, records } = twoProcesses();
    const auth = new Auth({ keys: true }, { records, clock: deps.clock, onError: () => undefined });
    const context = createContextInner({ ...deps, auth });
    const call = appRouter.createCaller({
      ...context,
      principal: { kind: "key", id: "key:ops", name: "ops", role: "operator", user_id: undefined },
    });
    const agent_id = "agent_00000000beef";
    const version = agentVersionSchema.parse({
      ...{ version: 1, project_id: "proj_0123456789ab", run: 1, stage: "s", attempt: 1 },
      ...{ at: "2026-01-01T00:00:00.000Z", kind: "rules", entry: "a.mjs" },
    });
    await context.agentRecords.agents.publish(agent_id, { agent_name: "a", user_id: "ada" }, version);
    const fields = { name: "n", cron: "0 3 * * *", build: { requirement: "x", agent_id } };
    const refused = { cause: { code: "FORBIDDEN" } };
    await expect(call.schedules.create(fields)).rejects.toMatchObject(refused);
    await expect(call.schedules.create({ ...fields, user_id: "bob" })).rejects.toMatchObject(refused);
    const { schedule_id } = await call.schedules.create({ ...fields, user_id: "ada" });
    expect(schedule_id).toMatch(/^sched_/);
    const bobs = await call.schedules.create({ ...fields, build: { requirement: "x" }, user_id: "bob" });
    await expect(
      call.schedules.update({ schedule_id: bobs.schedule_id, build: fields.build }),
    ).rejects.toMatchObject(refused);
  });

  it("of a member is another member's to see, and not to change", async () => {
    const { deps, records } = twoProcesses();
    const context = createContextInner({ ...deps, records });
    const as = (user_id: string) =>
      appRouter.createCaller({
        ...context,
        principal: { kind: "user", id: `user:${user_id}`, name: user_id, role: "member", user_id },
      });
    const { schedule_id, created_by } = await as("ada").schedules.create({
      name: "hers",
      cron: "0 3 * * *",
      build: { requirement: "x" },
    });
    expect(created_by).toBe("user:ada");
    expect((await as("bob").schedules.list()).items).toHaveLength(1);
    for (const change of ["pause", "run", "delete"] as const)
      await expect(as("bob").schedules[change]({ schedule_id })).rejects.toMatchObject({
        cause: { code: "FORBIDDEN" },
      });
    deps.clock.set("2026-01-01T03:00:01.000Z");
    await new Scheduler({ context }).serveDue();
    const [build] = (await as("bob").projects.list()).items;
    expect(build).toMatchObject({ user_id: "ada" });
    const { created_by: by } = await deps.repository.get(build?.project_id ?? "");
    expect(by).toBe(`schedule:${schedule_id}`);
  });
});

test("a running API starts the build of a schedule when its time comes", async () => {
  const deps = { ...memoryDeps(), records: new MemoryRecordStore() };
  const started = Date.now();
  // The clock of the test runs, from 1.5 s before the hour.
  const zero = Math.ceil(started / HOUR_MS) * HOUR_MS - 1500;
  deps.clock.now = () => zero + (Date.now() - started);
  const api = await serve(deps);
  closers.push(() => api.close());
  await api.client.schedules.create.mutate({
    name: "hourly",
    cron: "0 * * * *",
    build: { requirement: "x" },
  });
  for (;;) {
    const { items } = await api.client.projects.list.query();
    if (items.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(deps.clock.now() - (zero + 1500)).toBeLessThan(20_000);
});
