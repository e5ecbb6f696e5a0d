import type { DueWork } from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { expect, test } from "vitest";
import { hasPipeline, isLimited, RunningBuilds, shuffleFront, withinLimits } from "./fair-scheduler.ts";

const stages = [{ stage: "s", run: () => ({}) }];
const pipelines = createRegistry([
  definePipeline({ name: "limited", max_running: 2, stages }),
  definePipeline({ name: "free", stages }),
]);
const row = (id: string, pipeline = "limited", user_id: string | undefined = "u1"): DueWork => ({
  project_id: id,
  work_queue: "agent_builds#p3#00",
  work_due_at: "2025-01-01T00:00:00.000Z",
  pipeline,
  user_id,
});
const held = (count: number, pipelineName = "limited", userId = "u1") =>
  Array.from({ length: count }, (_, i) => ({ projectId: `h${i}`, pipelineName, userId, isSuspect: false }));

test("only rows of pipelines that this worker has will do", () => {
  expect([row("a"), row("b", "unknown")].map((one) => hasPipeline(one, pipelines))).toEqual([true, false]);
});

test("the rows at the front are shuffled, the others stay in their order", () => {
  const rows = Array.from({ length: 20 }, (_, i) => row(`r${i}`));
  let next = 1;
  const falling = () => --next;
  const found = shuffleFront(rows, falling);
  expect(found.slice(0, 8)).toEqual(rows.slice(0, 8).reverse());
  expect(found.slice(8)).toEqual(rows.slice(8));
});

test("what runs elsewhere counts towards a limit, and what this worker holds counts once", () => {
  const limits = { pipelines, maxRunningPerUser: undefined };
  const running = (mine: number, index: DueWork[]) => new RunningBuilds(() => held(mine), index);
  expect(withinLimits(row("a"), limits, running(1, []))).toBe(true);
  expect(withinLimits(row("a"), limits, running(2, []))).toBe(false);
  expect(withinLimits(row("a"), limits, running(1, [row("h0")]))).toBe(true);
  expect(withinLimits(row("a"), limits, running(1, [row("h0"), row("other")]))).toBe(false);
  expect(withinLimits(row("a", "free"), limits, running(0, [row("x"), row("y")]))).toBe(true);
});

test("a user's limit is over all pipelines, and holds back nobody else", () => {
  const limits = { pipelines, maxRunningPerUser: 2 };
  const running = new RunningBuilds(() => held(1, "free"), [row("x", "limited")]);
  expect(withinLimits(row("a", "free"), limits, running)).toBe(false);
  expect(withinLimits(row("a", "free", "u2"), limits, running)).toBe(true);
  const { user_id: _, ...nobodys } = row("a", "free");
  expect(withinLimits(nobodys, limits, running)).toBe(true);
});

test("what others run need be known only where a limit applies", () => {
  const none = { pipelines, maxRunningPerUser: undefined };
  expect(isLimited(row("a"), none)).toBe(true);
  expect(isLimited(row("a", "free"), none)).toBe(false);
  expect(isLimited(row("a", "free"), { ...none, maxRunningPerUser: 1 })).toBe(true);
});
