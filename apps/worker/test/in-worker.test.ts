import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";

const PIPELINES = `
import { definePipeline, StageError } from "@stagefold/pipeline";
import { z } from "zod";
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const mixed = definePipeline({ name: "mixed", stages: [
  { stage: "inside", in_worker: true, output: z.object({ pid: z.number() }), async run(ctx) {
    ctx.log("one\\ntwo", "three");
    ctx.progress(50);
    ctx.metrics({ tool_calls: 2 });
    ctx.reference("elsewhere/a.bin", { size: 5, metadata: { bucket: "b" } });
    await ctx.artifact("made/here.txt", "made");
    await ctx.subStage("part", async (part) => part.reference("elsewhere/part.bin"));
    return { pid: process.pid };
  } },
  { stage: "outside", run: (ctx) => ({ pid: process.pid, before: ctx.output("inside", z.object({ pid: z.number() })).pid }) },
] });
export const plain = definePipeline({ name: "plain", stages: ["a", "b", "c"].map((stage) => (
  { stage, in_worker: true, run: (ctx) => { ctx.log("in " + stage); ctx.reference("x/" + stage); return {}; } })) });
export const failing = definePipeline({ name: "failing", stages: [{ stage: "s", in_worker: true, retry: { attempts: 2, backoff_seconds: 0 },
  run(ctx) { if (ctx.attempt === 1) throw new StageError("not yet"); return { attempt: ctx.attempt }; } }] });
export const wrong = definePipeline({ name: "wrong", stages: [{ stage: "s", in_worker: true, run: (ctx) => ctx.reference("../out") }] });
export const stubborn = definePipeline({ name: "stubborn", stages: [{ stage: "s", in_worker: true, timeout_seconds: 1,
  async run(ctx) { await delay(4000); ctx.log("too late"); return { late: true }; } }] });
export const waiting = definePipeline({ name: "waiting", stages: [{ stage: "s", in_worker: true,
  run: (ctx) => new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) }] });
`;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: { "inside.ts": PIPELINES } });
  bench.worker({ timings: { stopGraceMs: 200 } }).start();
});
afterAll(async () => await bench[Symbol.asyncDispose]());

test("a stage in the worker's process does all that one in a host does", async () => {
  const project = await bench.until(await bench.create("mixed"), completed);
  const [inside, outside] = [stageOf(project, "inside"), stageOf(project, "outside")];
  expect(inside).toMatchObject({
    metrics: { tool_calls: 2 },
    output_data: {
      pid: process.pid,
      artifacts: ["elsewhere/a.bin", "made/here.txt", "elsewhere/part.bin"],
      artifact_info: {
        "elsewhere/a.bin": { size: 5, metadata: { bucket: "b" } },
        "made/here.txt": { size: 4 },
      },
    },
    sub_stages: { part: { status: "completed", artifacts: ["elsewhere/part.bin"] } },
  });
  expect(await bench.logOf(project, "inside")).toEqual(["one", "two", "three"]);
  expect(outside.output_data).toMatchObject({ before: process.pid });
  expect(outside.output_data.pid).not.toBe(process.pid);
});

test("builds whose stages make no files leave nothing on the disk", async () => {
  const id = await bench.create("plain");
  const project = await bench.until(id, completed);
  expect(stageOf(project, "b").output_data.artifacts).toEqual(["x/b"]);
  expect(existsSync(join(bench.folder, "data/work", id))).toBe(false);
});

test("one that throws is tried again, and one that records nonsense has failed", async () => {
  const again = await bench.until(await bench.create("failing"), completed);
  expect(stageOf(again, "s")).toMatchObject({ attempt: 2, output_data: { attempt: 2 } });
  const wrong = await bench.until(await bench.create("wrong"), ended);
  expect(wrong).toMatchObject({ status: "failed", error_info: { stage: "s", code: "STAGE_FAILED" } });
  expect(wrong.error_info?.message).toContain("../out");
});

test("one that does not give way is left behind, and nothing that it says later counts", async () => {
  const id = await bench.create("stubborn");
  const project = await bench.until(id, ended);
  expect(project).toMatchObject({ status: "failed", error_info: { code: "STAGE_TIMEOUT" } });
  await new Promise((resolve) => setTimeout(resolve, 3500));
  expect(await bench.repository.get(id)).toEqual(project);
  expect(await bench.logOf(project, "s")).not.toContain("too late");
});

test("one that waits ends when its build is cancelled", async () => {
  const id = await bench.create("waiting");
  await bench.until(id, (project) => stageOf(project, "s").status === "running");
  await bench.elsewhere().control.cancel(id);
  expect(await bench.until(id, ended)).toMatchObject({ status: "cancelled" });
});
