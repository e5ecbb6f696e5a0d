import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StagefoldError } from "@stagefold/core";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { createMetrics } from "../src/metrics.ts";
import { type Bench, completed, openBench, stageOf } from "./harness.ts";
import { pidsIn, untilGone } from "./processes.ts";

const itInSoak = test.runIf(SOAK);

const DEAF = `
import { appendFileSync } from "node:fs";
import { definePipeline } from "@stagefold/pipeline";

export const deaf = definePipeline({ name: "deaf", stages: [{ stage: "wait", run(ctx) {
  appendFileSync(ctx.workDir + "/pids", process.pid + "\\n");
  if (ctx.attempt > 1) return {};
  return new Promise(() => setInterval(() => {}, 1000));
} }] });
export const blocks = definePipeline({ name: "blocks", stages: [{ stage: "s", run(ctx) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7500);
  return {};
} }] });
`;
const QUICK = `
name: quick
stages: [{ stage: s, command: "true" }]
`;
const BUSY = `
name: busy
stages: [{ stage: s, command: "sleep 2" }]
`;
const files = { "quick.yaml": QUICK, "busy.yaml": BUSY, "deaf.ts": DEAF };

test("a machine that slept past three quarters of the lease stops its stages: the wall clock shows it", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const metrics = createMetrics();
  bench.worker({ metrics }).start();
  const id = await bench.create("deaf");
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 1);
  const writes = bench.store.writes.length;
  const now = Date.now.bind(Date);
  let jumpMs = 50_000;
  vi.spyOn(Date, "now").mockImplementation(() => now() + jumpMs);
  onTestFinished(() => void vi.restoreAllMocks());
  // Fifteen seconds before anybody else may take the build.
  await untilGone(pids, 10_000);
  const text = await metrics.registry.metrics();
  expect(text).toContain('stagefold_worker_leases_over_total{reason="expired"} 1');
  expect(text).toContain("stagefold_lease_lost_total 1");
  expect(bench.store.writes.slice(writes)).toEqual([]);
  jumpMs += 20_000;
  const project = await bench.until(id, completed);
  expect(stageOf(project, "wait")).toMatchObject({ attempt: 2, history: [{ code: "WORKER_LOST" }] });
});

test("S4: while a stage says nothing its build is looked at by eventually consistent reads alone", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker().start();
  const id = await bench.create("busy");
  await bench.until(id, (project) => stageOf(project, "s").status === "running");
  const get = vi.spyOn(bench.store, "get");
  await sleep(1500);
  const looks: readonly (readonly unknown[])[] = get.mock.calls;
  expect(looks.length).toBeGreaterThan(0);
  expect(looks).toEqual(looks.map(() => [id, { consistent: false }]));
  get.mockRestore();
  await bench.until(id, completed);
});

test("a stage that does not yield for two leases and a half keeps its lease", async () => {
  await using bench = await openBench({ files, leaseMs: 3000 });
  bench.worker().start();
  bench.worker().start();
  const project = await bench.until(await bench.create("blocks"), completed, 60);
  expect(stageOf(project, "s")).toMatchObject({ attempt: 1, history: [] });
  expect(bench.store.count("heartbeat")).toBeGreaterThanOrEqual(3);
});

test("a heartbeat whose answer never comes holds up none after it: the lease is kept", async () => {
  await using bench = await openBench({ files, leaseMs: 3000 });
  const write = bench.store.write.bind(bench.store);
  let heartbeats = 0;
  vi.spyOn(bench.store, "write").mockImplementation((patch) => {
    const isLost = patch.transition === "heartbeat" && heartbeats++ % 2 === 0;
    return isLost ? new Promise(() => undefined) : write(patch);
  });
  bench.worker().start();
  const project = await bench.until(await bench.create("blocks"), completed);
  expect(stageOf(project, "s")).toMatchObject({ attempt: 1, history: [] });
  expect(heartbeats).toBeGreaterThanOrEqual(4);
});

const lineSchema = z.looseObject({ msg: z.string(), project: z.string().optional() });

itInSoak("every line about a running stage says project, stage, attempt and token", async () => {
  await using bench = await openBench({ files, leaseMs: 8000 });
  const lines: z.output<typeof lineSchema>[] = [];
  const log = pino(
    { level: "debug" },
    { write: (line: string) => void lines.push(lineSchema.parse(JSON.parse(line))) },
  );
  bench.worker({ log }).start();
  const id = await bench.create("deaf");
  await pidsIn(join(bench.folder, "data/work", id, "pids"), 1);
  let refuse = true;
  bench.store.before = () => {
    if (refuse) throw new StagefoldError("STORE_UNAVAILABLE", "not now", { retry_after: 1 });
  };
  while (!lines.some((line) => line.msg.includes("the lease is over")))
    await new Promise((resolve) => setTimeout(resolve, 20));
  refuse = false;
  const project = await bench.until(id, completed, 60);
  const about = lines.filter((line) => line.project !== undefined);
  for (const line of about) expect(line).toMatchObject({ project: id, token: expect.any(Number) });
  for (const text of ["stage started", "stage ended", "heartbeat failed", "the lease is over"])
    expect(about.find((line) => line.msg.includes(text))).toMatchObject({ stage: "wait", attempt: 1 });
  expect(about.findLast((line) => line.msg === "stage ended")).toMatchObject({
    attempt: 2,
    token: project.lease_token,
  });
  expect(about.some((line) => line.msg === "build taken over" && line.why === "lease_expired")).toBe(true);
});

test("L19: a build that was created while the clock was ahead runs at once when the clock is right again", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const now = Date.now.bind(Date);
  let jumpMs = 3_600_000;
  vi.spyOn(Date, "now").mockImplementation(() => now() + jumpMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const before = await bench.create("quick");
  jumpMs = 0;
  bench.worker({ concurrency: 1 }).start();
  await untilSoon(bench, before);
  // Also when a worker runs all the time, and is busy while the clock is ahead.
  const busy = await bench.create("busy");
  while (stageOf(await bench.repository.get(busy), "s").status !== "running") await pause(20);
  jumpMs = 30_000;
  const meanwhile = await bench.create("quick");
  await pause(500);
  jumpMs = 0;
  await untilSoon(bench, meanwhile);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Not by the wall clock, which is not to be trusted here. */
async function untilSoon(bench: Bench, id: string): Promise<void> {
  const end = performance.now() + 15_000;
  while (performance.now() < end && (await bench.repository.get(id)).status !== "completed") await pause(20);
  expect(await bench.repository.get(id)).toMatchObject({ status: "completed" });
}
