import { expect, it } from "vitest";
import { applyEvent } from "../project/apply-event.ts";
import { aProject, events } from "../testing/builders.ts";
import { attemptsOf, summarise } from "./derive.ts";
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
