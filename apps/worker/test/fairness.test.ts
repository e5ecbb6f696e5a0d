import { expect, test } from "vitest";
import { createMetrics } from "../src/metrics.ts";
import { completed, openBench, stageOf } from "./harness.ts";

const files = {
  "quick.yaml": `
name: quick
stages: [{ stage: s, command: "true" }]
`,
  "one.yaml": `
name: one
max_running: 1
stages: [{ stage: s, command: "sleep 0.2" }]
`,
};

test("work that the index has lost is swept up, run, and counted as a rescue", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const id = await bench.create("quick");
  const hidden = (await bench.repository.get(id)).work_due_at;
  const due = bench.store.due.bind(bench.store);
  bench.store.due = async (...given) =>
    (await due(...given)).filter((row) => row.project_id !== id || row.work_due_at !== hidden);
  const metrics = createMetrics();
  bench.worker({ metrics, timings: { reconcileMs: 200, lostAfterMs: 100, idleLastMs: 100 } }).start();
  const other = await bench.create("quick");
  await bench.until(other, completed);
  await bench.until(id, completed);
  const text = await metrics.registry.metrics();
  expect(text).toContain("stagefold_reconciled_total 1");
});

test("max_running holds over several workers; only such that claim at the same moment go beyond it", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const ids = await Promise.all(Array.from({ length: 4 }, () => bench.create("one")));
  const workers = [bench.worker(), bench.worker()];
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, workers.flatMap((worker) => worker.running).length);
  }, 2);
  for (const worker of workers) worker.start();
  const projects = await Promise.all(ids.map((id) => bench.until(id, completed, 60)));
  clearInterval(watch);
  for (const project of projects) expect(stageOf(project, "s")).toMatchObject({ attempt: 1, history: [] });
  // Four could run at once; each worker by itself keeps to one.
  expect(most).toBeLessThanOrEqual(2);
});
