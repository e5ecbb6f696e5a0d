import { expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { applyEvent } from "../project/apply-event.ts";
import { aProject, aRepository, events } from "../testing/builders.ts";
import { attemptsOf, buildSeconds, summarise } from "./derive.ts";
import type { Project } from "./schema.ts";

it("attemptsOf puts the present attempt last, once", () => {
  const past = { attempt: 1, status: "failed" as const };
  const base = { history: [past], started_at: "t", error_message: null };
  const stage = (fields: object) => ({ ...base, ...fields }) as unknown as Parameters<typeof attemptsOf>[0];
  expect(attemptsOf(stage({ attempt: 2, status: "running" })).map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(attemptsOf(stage({ attempt: 1, status: "pending" }))).toEqual([past]);
  expect(attemptsOf(stage({ attempt: 0, status: "pending", history: [] }))).toEqual([]);
});

it("what an attempt has cost is counted once while its stage waits for the next one, and after that", () => {
  const at = "2026-01-01T00:00:05.000Z";
  const metrics = { model_calls: 1, cost_usd: 0.5 };
  const costAfter = (...given: Parameters<typeof events>) => {
    let { stages_snapshot, ...rest } = aProject({ stages: [{ stage: "one" }] });
    const lease = { claims: 1, owner: "w", expires_at: at };
    for (const event of events(...given)) {
      const held: Project = { ...rest, stages_snapshot, status: "building", lease };
      ({ stages_snapshot } = applyEvent(held, event, at, 1));
    }
    return summarise(stages_snapshot.stages).cost_usd;
  };
  const started = { event: "started", stage: "one" } as const;
  const failed = { event: "failed", stage: "one", message: "no", metrics, retry_in_seconds: 5 } as const;
  expect(costAfter(started, failed)).toBe(0.5);
  expect(costAfter(started, failed, started, { event: "completed", stage: "one", metrics })).toBe(1);
});

it("a build has cost what all its attempts have, also those that its history left out and those without counted calls", async () => {
  const store = new MemoryProjectStore();
  const { control, work } = aRepository(store).repository;
  const plan = { pipeline: "p", pipeline_version: "1", stages: [{ stage: "one" }] };
  const limits = { cost_usd: 1000 };
  const { project_id, work_queue } = await control.create({ requirement: "r", limits }, plan);
  const started = { event: "started", stage: "one" } as const;
  const metrics = { cost_usd: 2 };
  const attempt = async (...given: Parameters<typeof events>) => {
    const claimed = await work.claim(project_id, "w", work_queue);
    if (!claimed) throw new Error("the claim was refused");
    const { lease_token, lease_seq } = claimed;
    return await work.report({
      project_id,
      lease_token,
      lease_seq: lease_seq + 1,
      events: events(started, ...given),
    });
  };
  const failed = { event: "failed", stage: "one", metrics, retry_in_seconds: 0 } as const;
  const costOf = ({ stages_snapshot }: Project) => summarise(stages_snapshot.stages).cost_usd;
  expect(costOf(await attempt({ ...failed, message: "no" }))).toBe(2);
  expect(costOf(await attempt({ ...failed, message: "no" }))).toBe(4);
  // Long words move the history to a document, and more than 20 attempts are not kept in it.
  for (let n = 3; n <= 30; n++) {
    const project = await attempt({ ...failed, message: "n".repeat(n < 20 ? 2 : 2000) });
    expect([costOf(project), project.spent?.cost_usd]).toEqual([2 * n, 2 * n]);
  }
  const ended = await attempt({ event: "completed", stage: "one", metrics });
  expect(ended.stages_snapshot.stages[0]?.history_ref).toBeDefined();
  expect(ended.build_summary?.cost_usd).toBe(62);
  await control.retry(project_id, { from_stage: "one" });
  expect((await attempt({ event: "completed", stage: "one", metrics })).build_summary?.cost_usd).toBe(64);
});

it("a build that failed 75 days ago and is retried took what its stages did", () => {
  const at = (second: number) => new Date(second * 1000).toISOString();
  const late = 75 * 86_400;
  const build = { started_at: at(0), run: 2 };
  const ran = { status: "completed", started_at: at(0), completed_at: at(60), duration_seconds: 60 } as const;
  const runs = { status: "running", started_at: at(late) } as const;
  const stages_snapshot = { stages: [ran, runs] };
  const now = (late + 5) * 1000;
  expect(buildSeconds({ ...build, status: "building", stages_snapshot }, now)).toBe(65);
  // A list knows neither when the second run began nor what the first one took.
  expect(buildSeconds({ ...build, status: "building" }, now)).toBeUndefined();
  const build_summary = { ...summarise([]), stage_seconds: { a: 60, b: 10 } };
  const ended = { ...build, completed_at: at(late + 10) };
  expect(buildSeconds({ ...ended, status: "completed", build_summary }, now)).toBe(70);
  const overlapping = { ...build_summary, active_seconds: 61 };
  expect(buildSeconds({ ...ended, status: "completed", build_summary: overlapping }, now)).toBe(61);
  expect(buildSeconds({ ...ended, status: "cancelled", stages_snapshot }, now)).toBeUndefined();
  const first = { run: 1, started_at: at(0), status: "cancelled", completed_at: at(7) } as const;
  expect(buildSeconds(first, now)).toBe(7);
  expect(buildSeconds({ status: "queued", run: 1 }, now)).toBeUndefined();
});
