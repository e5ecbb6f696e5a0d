import { StagefoldError } from "@stagefold/core";
import { expect, test } from "vitest";
import { completed, ended, openBench, stageOf } from "./harness.ts";

const PIPELINE = `
import { definePipeline } from "@stagefold/pipeline";
export const logs = definePipeline({ name: "logs", stages: ["a", "b", "c"].map((stage) => ({ stage, async run(ctx) {
  for (let i = 0; i < 5; i++) { ctx.log(stage + i); ctx.progress(i * 10); await new Promise((r) => setTimeout(r, 80)); }
  return {};
} })) });
`;
const files = { "logs.ts": PIPELINE };
const unavailable = () => new StagefoldError("STORE_UNAVAILABLE", "not now", { retry_after: 1 });
const FIVE = [0, 1, 2, 3, 4];

test("writes that fail, and answers that are lost, cost neither a line nor a stage", async () => {
  await using bench = await openBench({ files, leaseMs: 10_000 });
  let writes = 0;
  bench.store.before = ({ transition }) => {
    if (transition === "report" && writes++ % 3 === 0) throw unavailable();
  };
  bench.store.after = ({ transition }) => {
    if (transition === "report" && writes % 3 === 2) throw unavailable();
  };
  bench.worker({ timings: { flushMs: 100 } }).start();
  const project = await bench.until(await bench.create("logs"), completed);
  for (const key of ["a", "b", "c"]) {
    expect(stageOf(project, key)).toMatchObject({ attempt: 1, history: [], progress: 100 });
    expect(await bench.logOf(project, key)).toEqual(FIVE.map((i) => key + i));
  }
});

test("a claim and a look that fail are tried again", async () => {
  await using bench = await openBench({ files });
  let failures = 0;
  bench.store.before = ({ transition }) => {
    if (transition === "claim" && failures++ < 3) throw unavailable();
  };
  const due = bench.store.due.bind(bench.store);
  let looks = 0;
  bench.store.due = (...given) => (looks++ < 6 ? Promise.reject(unavailable()) : due(...given));
  bench.worker().start();
  await bench.until(await bench.create("logs"), completed);
  expect(failures).toBeGreaterThan(3);
});

test("a write that the item cannot take fails the stage with ITEM_FULL", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  let refused = 0;
  bench.store.before = ({ transition }) => {
    if (transition !== "report" || bench.store.count("report") !== 2) return;
    refused += 1;
    throw new StagefoldError("SNAPSHOT_TOO_LARGE", "too large", { size: 300_000, limit: 262_144 });
  };
  bench.worker({ timings: { flushMs: 100 } }).start();
  const project = await bench.until(await bench.create("logs"), ended);
  expect(refused).toBe(1);
  expect(project.error_info).toEqual({ stage: "a", code: "ITEM_FULL", message: "too large" });
  // What the refused write carried is there all the same.
  expect((await bench.logOf(project, "a"))[0]).toBe("a0");
});

test("a project paused between the claim and the first write is given back untouched", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const other = bench.elsewhere();
  const id = await bench.create("logs");
  let paused: Promise<unknown> | undefined;
  bench.store.after = ({ transition }) => {
    if (transition === "claim") paused ??= other.control.pause(id);
  };
  const worker = bench.worker();
  worker.start();
  const project = await bench.until(id, (p) => p.status === "paused" && p.lease.owner === undefined);
  await paused;
  expect(stageOf(project, "a").attempt).toBe(0);
  await bench.elsewhere().control.resume(id);
  expect((await bench.until(id, completed)).stages_snapshot.completed).toBe(3);
});

test("no more builds run at once than the worker may, and each is run by one worker", async () => {
  const slow = `
name: slow
stages: [{ stage: s, command: "sleep 0.3" }]
`;
  await using bench = await openBench({ files: { "slow.yaml": slow }, leaseMs: 60_000 });
  const [first, second] = [bench.worker({ concurrency: 2 }), bench.worker({ concurrency: 1 })];
  const ids = await Promise.all(Array.from({ length: 8 }, () => bench.create("slow")));
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, first.running.length);
    if (second.running.length > 1) most = 99;
  }, 5);
  first.start();
  second.start();
  const projects = await Promise.all(ids.map((id) => bench.until(id, completed)));
  clearInterval(watch);
  expect(most).toBe(2);
  for (const project of projects) expect(stageOf(project, "s")).toMatchObject({ attempt: 1, history: [] });
});

test("a build whose workers keep dying is written down as failed", async () => {
  await using bench = await openBench({ files, leaseMs: 100 });
  const id = await bench.create("logs");
  const dying = bench.elsewhere();
  for (let i = 0; i < 3; i++) {
    const row = (await untilDue(() => dying.work.due("agent_builds", 10)))[0];
    const claimed = await dying.work.claim(id, `dying-${i}`, row?.work_queue);
    if (!claimed) throw new Error("expected a claim");
    const { lease_token, lease_seq } = claimed;
    const events = [{ event: "started" as const, stage: "a" }];
    await dying.work.report({ project_id: id, lease_token, lease_seq: lease_seq + 1, events });
  }
  await untilDue(() => dying.work.due("agent_builds", 10));
  bench.worker().start();
  const project = await bench.until(id, ended);
  expect(project.error_info).toMatchObject({ stage: "a", code: "STAGE_STALLED" });
});

async function untilDue<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  for (;;) {
    const rows = await look();
    if (rows.length > 0) return rows;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
