import type { DueWork } from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { expect, test } from "vitest";
import { candidates, withinLimits } from "./candidates.ts";

const pipelines = createRegistry([
  definePipeline({ name: "known", max_running: 2, stages: [{ stage: "s", run: () => ({}) }] }),
]);
const row = (id: string, priority = 3, pipeline = "known", user_id = "u1"): DueWork => ({
  project_id: id,
  work_queue: `agent_builds#p${priority}#00`,
  work_due_at: "2025-01-01T00:00:00.000Z",
  pipeline,
  user_id,
});
const rules = { pipelines, held: [], maxRunningPerUser: undefined };

test("only rows of known pipelines that are not held are candidates", () => {
  const held = [{ projectId: "b", pipelineName: "known", userId: "u1" }];
  const rows = [row("a"), row("b"), row("c", 3, "unknown")];
  expect(candidates(rows, { ...rules, held }).map((one) => one.project_id)).toEqual(["a"]);
});

test("rows are shuffled near the front and within a priority alone", () => {
  const rows = [row("a", 1), row("b", 1), ...Array.from({ length: 20 }, (_, i) => row(`c${i}`, 2))];
  let next = 1;
  const falling = () => --next;
  const found = candidates(rows, rules, falling).map((one) => one.project_id);
  expect(found.slice(0, 2)).toEqual(["b", "a"]);
  expect(found.slice(2)).toEqual(rows.slice(2).map((one) => one.project_id));
});

test("a worker keeps to what a pipeline and a user may have running", () => {
  const held = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ projectId: `h${i}`, pipelineName: "known", userId: "u1" }));
  expect(withinLimits(row("a"), { ...rules, held: held(1) })).toBe(true);
  expect(withinLimits(row("a"), { ...rules, held: held(2) })).toBe(false);
  const perUser = { ...rules, held: held(1), maxRunningPerUser: 1 };
  expect(withinLimits(row("a"), perUser)).toBe(false);
  expect(withinLimits(row("a", 3, "known", "u2"), perUser)).toBe(true);
});
