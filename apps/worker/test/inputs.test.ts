import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";

const FILES = {
  "takes.ts": `
import { definePipeline } from "@stagefold/pipeline";
import { z } from "zod";
export default definePipeline({
  name: "takes",
  input: z.object({ site: z.string(), pages: z.int().min(1).default(3), review: z.boolean().default(false) }),
  limits: { attempts: 9 },
  stages: [
    { stage: "read", run: (ctx) => ({ ...ctx.input, env: process.env.STAGEFOLD_INPUT, left: ctx.limits }) },
    { stage: "review", when: { review: true }, run: () => ({ reviewed: true }) },
    { stage: "shell", command: 'printf %s "$STAGEFOLD_INPUT" > input.json', artifacts: ["input.json"] },
  ],
});
`,
  "spends.ts": `
import { definePipeline } from "@stagefold/pipeline";
export default definePipeline({ name: "spends", stages: ["a", "b", "c"].map((stage) => ({
  stage,
  retry: { attempts: 2, backoff_seconds: 0 },
  run: (ctx) => {
    ctx.metrics({ input_tokens: 40, output_tokens: 10, cost_usd: 0.25 });
    if (stage === "b" && ctx.attempt === 1) throw new Error("again");
    return { left: ctx.limits };
  },
})) });
`,
};

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: FILES });
  bench.worker({ timings: { idleFirstMs: 20, idleLastMs: 100 } }).start();
});
afterAll(() => bench[Symbol.asyncDispose]());

const plan = (pipeline: string, stages: readonly string[]) => ({
  pipeline,
  pipeline_version: "1",
  stages: stages.map((stage) => ({ stage })),
});

test("a build's input is what its stages find, inline or by reference, and a retry may change it", async () => {
  const { control } = bench.repository;
  const input = { site: "a\u0000b 日本", pages: 2, review: true };
  const keys = ["read", "review", "shell"];
  const small = await control.create({ requirement: "", input }, plan("takes", keys));
  const large = { ...input, site: "x".repeat(50_000) };
  const stored = await control.create({ requirement: "", input: large }, plan("takes", ["read", "shell"]));
  expect(stored.input).toBeUndefined();
  expect(stored.item_bytes).toBeLessThan(5000);
  const done = await bench.until(small.project_id, completed);
  const env = JSON.stringify({ pages: 2, review: true, site: "a\u0000b 日本" });
  expect(stageOf(done, "read").output_data).toMatchObject({ site: "a\uFFFDb 日本", pages: 2, left: {} });
  expect(JSON.parse(String(stageOf(done, "read").output_data.env))).toEqual(JSON.parse(env));
  const other = await bench.until(stored.project_id, completed);
  const ref = { project_id: stored.project_id, stage: "shell", attempt: 1, path: "input.json" };
  const file = await bench.artifacts.get(ref);
  const parts: Uint8Array[] = [];
  for await (const part of file?.stream ?? []) parts.push(part);
  expect(JSON.parse(Buffer.concat(parts).toString("utf8"))).toEqual(large);
  expect(await bench.repository.inputOf(other)).toEqual(large);
  await control.retry(stored.project_id, {
    from_stage: "read",
    input: { site: "new", pages: 1, review: false },
  });
  const again = await bench.until(stored.project_id, completed);
  expect(again).toMatchObject({ run: 2, input_run: 2, input: { site: "new" } });
  expect(again.input_ref).toBeUndefined();
  expect(stageOf(again, "read").output_data).toMatchObject({ site: "new", pages: 1 });
});

test("no stage starts beyond the budget, and a retry with a higher one continues", async () => {
  const { control } = bench.repository;
  const limits = { tokens: 150, cost_usd: 10, attempts: 20, seconds: 600 };
  const made = await control.create({ requirement: "x", limits }, plan("spends", ["a", "b", "c"]));
  const failed = await bench.until(made.project_id, ended);
  expect(failed).toMatchObject({
    status: "failed",
    error_info: { code: "BUDGET_EXCEEDED", stage: "c" },
    spent: { tokens: 150, cost_usd: 0.75, attempts: 3 },
  });
  expect(failed.stages_snapshot.stages.map(({ status }) => status)).toEqual([
    "completed",
    "completed",
    "pending",
  ]);
  // What a stage finds is what remains when it starts.
  expect(stageOf(failed, "b").output_data.left).toMatchObject({ tokens: 50, cost_usd: 9.5, attempts: 17 });
  await control.retry(made.project_id, {});
  expect(await bench.until(made.project_id, ended)).toMatchObject({
    error_info: { code: "BUDGET_EXCEEDED" },
  });
  await control.retry(made.project_id, { limits: { tokens: 500 } });
  const done = await bench.until(made.project_id, completed);
  expect(done).toMatchObject({ spent: { tokens: 200, cost_usd: 1, attempts: 4 }, limits: { cost_usd: 10 } });
  expect(done.build_summary).toMatchObject({ cost_usd: 1 });
});

test("a build is not claimed before its start time", async () => {
  const start_at = new Date(Date.now() + 1500).toISOString();
  const request = { requirement: "x", start_at, input: { site: "a", pages: 1, review: false } };
  const made = await bench.repository.control.create(request, plan("takes", ["read", "shell"]));
  expect(made).toMatchObject({ status: "queued", start_at, work_due_at: start_at });
  const done = await bench.until(made.project_id, completed);
  expect(Date.parse(done.started_at ?? "")).toBeGreaterThanOrEqual(Date.parse(start_at));
});
