import { join } from "node:path";
import { expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { ended, openBench, stageOf } from "./harness.ts";
import { isAlive, pidsIn, untilGone } from "./processes.ts";

/** Writes its own pid and that of a child, and never gives way. */
const STUCK = `
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { definePipeline } from "@stagefold/pipeline";
const begin = (ctx) => {
  const child = spawn("sleep", ["300"], { stdio: "inherit" });
  const far = spawn("sleep", ["301"], { stdio: "ignore", detached: true });
  appendFileSync(ctx.workDir + "/pids", process.pid + " " + child.pid + " " + far.pid + "\\n");
};
export const stuck = definePipeline({
  name: "stuck",
  stages: [{ stage: "spin", timeout_seconds: 1, run(ctx) { begin(ctx); for (;;) {} } }],
});
export const waits = definePipeline({
  name: "waits",
  stages: [{
    stage: "wait",
    run(ctx) {
      ctx.metrics({ input_tokens: 5 });
      begin(ctx);
      return new Promise((resolve, reject) => ctx.signal.addEventListener("abort", () => {
        appendFileSync(ctx.workDir + "/aborted", String(ctx.signal.reason));
        reject(ctx.signal.reason);
      }));
    },
  }, { stage: "after", run: () => ({}) }],
});
export const deaf = definePipeline({ name: "deaf", stages: [{ stage: "wait", run(ctx) { begin(ctx); return new Promise(() => setInterval(() => {}, 1000)); } }] });
`;
const COMMANDS = `
name: commands
stages:
  - stage: wait
    command: |
      sleep 300 & echo $! >> pids
      setsid sleep 301 & echo $! >> pids
      (set -m; sleep 302 & echo $! >> pids)
      echo $$ >> pids
      wait
`;

const files = { "stuck.ts": STUCK, "commands.yaml": COMMANDS };

test("a stage that loops for ever is ended at its timeout with everything that it started", async () => {
  await using bench = await openBench({ files });
  bench.worker({ timings: { stopGraceMs: 300 } }).start();
  const id = await bench.create("stuck");
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 3);
  expect(pids.every(isAlive)).toBe(true);
  const project = await bench.until(id, ended);
  expect(project.error_info).toMatchObject({ stage: "spin", code: "STAGE_TIMEOUT" });
  expect(project.error_info?.message).toContain("1 seconds");
  await untilGone(pids, 10_000);
});

test.each(["waits", "deaf", "commands"])("a cancel ends %s within two seconds", async (name) => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker().start();
  const id = await bench.create(name);
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), name === "commands" ? 4 : 3);
  expect(pids.every(isAlive)).toBe(true);
  const writes = bench.store.writes.length;
  // By another process: this worker hears of it only by looking.
  await bench.elsewhere().control.cancel(id);
  const took = await untilGone(pids, 30_000);
  // The long form has a machine of its own; elsewhere an end by the lease of a minute is told apart.
  expect(took).toBeLessThan(SOAK ? 2000 : 10_000);
  const project = await bench.until(id, ended);
  expect(project.status).toBe("cancelled");
  // The cancel itself is the last write.
  expect(bench.store.writes.slice(writes)).toEqual(["cancel"]);
});

test("a delete ends the stage and leaves no folder", async () => {
  await using bench = await openBench({ files });
  const worker = bench.worker();
  worker.start();
  const id = await bench.create("waits");
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 3);
  await bench.elsewhere().control.delete(id);
  await untilGone(pids, 20_000);
  while (worker.running.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await expect(bench.repository.get(id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
});

test("a build that is paused while a stage runs stops at the boundary and continues when resumed", async () => {
  const slow = `
name: slow
stages:
  - { stage: one, command: "touch begun; while [ ! -f go ]; do sleep 0.05; done; echo done" }
  - { stage: two, command: "echo two" }
`;
  await using bench = await openBench({ files: { "slow.yaml": slow } });
  const worker = bench.worker();
  worker.start();
  const id = await bench.create("slow");
  const folder = join(bench.folder, "data/work", id);
  await bench.until(id, (p) => stageOf(p, "one").status === "running");
  await bench.elsewhere().control.pause(id);
  const { writeFile } = await import("node:fs/promises");
  while (true) {
    try {
      await writeFile(join(folder, "go"), "");
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const paused = await bench.until(id, (p) => stageOf(p, "one").status === "completed");
  expect(paused.status).toBe("paused");
  expect(stageOf(paused, "two").status).toBe("pending");
  expect(paused.lease.owner).toBeUndefined();
  while (worker.running.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await bench.elsewhere().control.resume(id);
  const done = await bench.until(id, ended);
  expect(done.status).toBe("completed");
  expect(stageOf(done, "one").attempt).toBe(1);
});

test("a drain lets the running stage end, starts no other and gives the build back", async () => {
  const slow = `
name: slow
stages:
  - { stage: one, command: "sleep 1; echo one" }
  - { stage: two, command: "echo two" }
`;
  await using bench = await openBench({ files: { "slow.yaml": slow }, leaseMs: 60_000 });
  const worker = bench.worker({ drainMs: 60_000 });
  worker.start();
  const id = await bench.create("slow");
  await bench.until(id, (p) => stageOf(p, "one").status === "running");
  await worker.drain();
  const given = await bench.until(id, (p) => p.status === "queued");
  expect(stageOf(given, "one").status).toBe("completed");
  expect(stageOf(given, "two")).toMatchObject({ status: "pending", attempt: 0 });
  bench.worker().start();
  const done = await bench.until(id, ended);
  expect(done.status).toBe("completed");
});

test("a stage that outlasts the drain is stopped, and the attempt does not count as a failure", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const worker = bench.worker({ drainMs: 200 });
  worker.start();
  const id = await bench.create("waits");
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 3);
  await worker.drain();
  expect(pids.filter(isAlive)).toEqual([]);
  const given = await bench.until(id, (p) => p.status === "queued");
  expect(stageOf(given, "wait").history).toMatchObject([
    { attempt: 1, status: "cancelled", code: "WORKER_LOST" },
  ]);
  // What it used is not forgotten.
  expect(stageOf(given, "wait").metrics).toEqual({ input_tokens: 5 });
});

test("a worker that cannot renew its lease ends its stage before the lease runs out", async () => {
  await using bench = await openBench({ files, leaseMs: 8000 });
  const worker = bench.worker();
  worker.start();
  const id = await bench.create("deaf");
  const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 3);
  const { StagefoldError } = await import("@stagefold/core");
  bench.store.before = () => {
    throw new StagefoldError("STORE_UNAVAILABLE", "not now", { retry_after: 1 });
  };
  const { expires_at } = (await bench.repository.get(id)).lease;
  await untilGone(pids, 8000);
  expect(Date.now()).toBeLessThan(Date.parse(expires_at ?? ""));
  bench.store.before = undefined;
  const taken = await bench.until(id, (p) => stageOf(p, "wait").attempt === 2);
  expect(stageOf(taken, "wait").history).toMatchObject([{ attempt: 1, code: "WORKER_LOST" }]);
});

test("a build whose claim is answered while its worker ends is given back before a stage starts", async () => {
  await using bench = await openBench({ files });
  const worker = bench.worker();
  bench.store.after = (patch) => {
    if (patch.transition === "claim") void worker.stop();
  };
  worker.start();
  const id = await bench.create("waits");
  const project = await bench.until(id, ({ status, revision }) => status === "queued" && revision > 1);
  await worker.stop();
  expect(bench.store.writes).toEqual(["create", "claim", "release"]);
  expect(project.stages_snapshot.stages[0]).toMatchObject({ status: "pending", attempt: 0 });
});
