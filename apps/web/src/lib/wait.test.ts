import { expect, test } from "vitest";
import { placeIn, waitReason } from "./wait.ts";

const NOW = Date.parse("2026-01-01T12:00:00.000Z");
const worker = (used: number, not_ready?: string) => ({
  slots: 2,
  running: Array.from({ length: used }),
  not_ready,
});
const idle = { nowMs: NOW, workers: [worker(0)], ofPipeline: 0, most: undefined };
const build = { pipeline_version: "v", run: 1 };

test.each([
  ["its start", { ...build, start_at: "2026-01-01T13:00:00.000Z" }, idle, "start"],
  ["its next attempt", { ...build, started_at: "x", work_due_at: "2026-01-01T12:00:05.000Z" }, idle, "retry"],
  ["the program that has its stages", { run: 1 }, idle, "program"],
  ["a worker", build, { ...idle, workers: [] }, "no worker"],
  ["a worker that can run stages", build, { ...idle, workers: [worker(0, "no disk")] }, "no worker"],
  ["its pipeline", build, { ...idle, ofPipeline: 1, most: 1 }, "pipeline"],
  ["a slot", build, { ...idle, workers: [worker(2), worker(2), worker(0, "no disk")] }, "slots"],
  ["what is not known yet", build, { ...idle, workers: undefined }, "soon"],
  ["nothing", build, { ...idle, workers: [worker(2), worker(1)] }, "soon"],
])("a build says that it waits for %s", (_what, project, state, kind) => {
  expect(waitReason(project, state).kind).toBe(kind);
});

test("the more urgent are before a build in the queue, then the older ones", () => {
  const queued = (id: number, priority: number, minute: number) => ({
    project_id: `proj_${id}`,
    priority,
    created_at: `2026-01-01T00:0${minute}:00.000Z`,
  });
  const queue = [queued(1, 3, 1), queued(2, 1, 5), queued(3, 3, 3), queued(4, 5, 0)];
  expect(queue.map((one) => placeIn(queue, one))).toEqual([2, 1, 3, 4]);
});
