import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMetrics } from "../src/metrics.ts";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";

const FAILING = `
import { appendFileSync, existsSync } from "node:fs";
import { definePipeline, StageError } from "@stagefold/pipeline";
import { z } from "zod";
const one = (name, run, more = {}) => definePipeline({ name, stages: [{ stage: "s", run, ...more }] });
export const third = one("third", (ctx) => {
  ctx.log("attempt " + ctx.attempt);
  if (ctx.attempt < 3) throw new Error("not yet: " + ctx.attempt);
  return { attempt: ctx.attempt };
}, { retry: { attempts: 3, backoff_seconds: 0.2 } });
export const never = one("never", () => { throw new TypeError("broken"); }, { retry: { attempts: 2, backoff_seconds: 0.1 } });
export const finalError = one("final", () => { throw new StageError("no use", { final: true }); }, { retry: { attempts: 5 } });
export const finalCode = one("final_code", () => { throw new StageError("quota", { code: "QUOTA" }); }, { retry: { attempts: 5, final_codes: ["QUOTA"] } });
export const soon = one("soon", (ctx) => {
  if (ctx.attempt === 1) throw new StageError("busy", { retry_in_seconds: 0.3 });
  return {};
}, { retry: { attempts: 2, backoff_seconds: 500 } });
export const exits = one("exits", () => { console.log("last words"); process.exit(3); });
export const rejects = one("rejects", async () => { Promise.reject(new Error("nobody cares")); await new Promise((r) => setTimeout(r, 5000)); return {}; });
export const unawaited = one("unawaited", (ctx) => { ctx.artifact("../out", "x"); return {}; });
export const nothing = one("nothing", (ctx) => ctx.artifact("a.txt", undefined));
export const below = one("below", async (ctx) => { await ctx.artifact("a", "1"); await ctx.artifact("a/b", "2"); });
export const missing = one("missing", async (ctx) => {
  const { readFile } = await import("node:fs/promises");
  await ctx.subStage("part", () => readFile(ctx.workDir + "/in/missing.txt"));
});
export const wrong = one("wrong", () => ({ n: "one" }), { output: z.object({ n: z.number() }) });
export const list = one("list", () => [1, 2]);
export const circle = one("circle", () => { const a = {}; a.a = a; return a; });
export const taken = one("taken", () => ({ artifacts: [] }));
export const large = one("large", () => ({ text: "x".repeat(9_000_000) }));
export const deep = one("deep", () => { let v = {}; for (let i = 0; i < 30; i++) v = { v }; return v; });
export const noInput = one("no_input", (ctx) => ctx.output("nothing"));
export const throwsText = one("throws_text", () => { throw "just text"; });
export const disconnects = one("disconnects", async () => { process.disconnect(); await new Promise((r) => setTimeout(r, 5000)); return {}; });
`;
const COMMANDS = `
name: commands
stages:
  - stage: s
    command: echo before; echo "to the other" >&2; echo direct > /dev/stderr; mkdir -p out; echo kept > out/kept.txt; exit 7
    artifacts: ["out/**"]
`;
const REMOVES = `
name: removes
stages: [{ stage: s, command: 'here=$PWD; cd /; rm -rf "$here"; exit 7', artifacts: ["out/**"] }]
`;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const files = { "failing.ts": FAILING, "commands.yaml": COMMANDS, "removes.yaml": REMOVES };

const metrics = createMetrics();
let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker({ metrics, timings: { idleLastMs: 100 } }).start();
});
afterAll(() => bench[Symbol.asyncDispose]());

test("a stage is tried again after its backoff until it succeeds", async () => {
  const id = await bench.create("third");
  const project = await bench.until(id, completed);
  const stage = stageOf(project, "s");
  expect(stage).toMatchObject({ attempt: 3, output_data: { attempt: 3 } });
  expect(stage.history).toMatchObject([
    { attempt: 1, status: "failed", code: "STAGE_FAILED", error_message: "not yet: 1" },
    { attempt: 2, status: "failed", code: "STAGE_FAILED", error_message: "not yet: 2" },
  ]);
  expect(await metrics.registry.metrics()).toContain('stagefold_retries_total{by="stage"} 2');
  const [first, second] = stage.history;
  const waited = Date.parse(second?.started_at ?? "") - Date.parse(first?.completed_at ?? "");
  expect(waited).toBeGreaterThanOrEqual(160);
  expect(await bench.logOf(project, "s")).toEqual(["attempt 3"]);
});

test("a stage that always fails ends the build after its attempts, and a retry has as many again", async () => {
  const id = await bench.create("never");
  const project = await bench.until(id, ended);
  expect(project.error_info).toEqual({ stage: "s", code: "STAGE_FAILED", message: "broken" });
  expect(stageOf(project, "s")).toMatchObject({ status: "failed", attempt: 2 });
  const log = (await bench.logOf(project, "s")).join("\n");
  expect(log).toContain("TypeError: broken");
  // Where in the pipeline, and nothing of what runs it.
  expect(log).toMatch(/\(?failing\.ts:\d+:\d+\)?/);
  expect(log).not.toContain(ROOT);
  expect(log).not.toContain(bench.folder);
  expect(log).not.toMatch(/node:internal|node_modules|runner\/child/);
  await bench.repository.control.retry(id, {});
  const again = await bench.until(id, (p) => p.run === 2 && ended(p));
  expect(stageOf(again, "s").attempt).toBe(4);
});

test.each([
  ["final", "no use", "STAGE_FAILED"],
  ["final_code", "quota", "STAGE_FAILED"],
  ["exits", "exited with 3", "STAGE_FAILED"],
  ["rejects", "nobody cares", "STAGE_FAILED"],
  ["unawaited", "relative path", "STAGE_FAILED"],
  ["nothing", "a.txt must be a text, bytes or { file }; found undefined", "STAGE_FAILED"],
  ["wrong", "expected number", "OUTPUT_INVALID"],
  ["list", "expected an object, found a list", "OUTPUT_INVALID"],
  ["circle", "levels of nesting", "OUTPUT_INVALID"],
  ["taken", "artifacts are taken", "OUTPUT_INVALID"],
  ["large", "8388608", "OUTPUT_INVALID"],
  ["deep", "24 levels", "OUTPUT_INVALID"],
  ["no_input", "nothing has no output", "STAGE_FAILED"],
  ["throws_text", "just text", "STAGE_FAILED"],
  ["disconnects", "was killed (SIGKILL)", "STAGE_FAILED"],
])("%s fails at the first attempt and says why", async (name, message, code) => {
  const project = await bench.until(await bench.create(name), ended);
  expect(project.status).toBe("failed");
  expect(project.error_info).toMatchObject({ stage: "s", code });
  expect(project.error_info?.message).toContain(message);
  expect(stageOf(project, "s").attempt).toBe(1);
  if (name === "exits") expect(await bench.logOf(project, "s")).toEqual(["last words"]);
});

test.each([
  ["below", "'a'"],
  ["missing", "'in/missing.txt'"],
])("A9: %s fails with the path in its workspace, not with that of the data folder", async (name, path) => {
  const project = await bench.until(await bench.create(name), ended);
  expect(project.error_info?.message).toContain(path);
  const log = (await bench.logOf(project, "s")).join("\n");
  expect(log).toContain(path);
  expect(JSON.stringify(project) + log).not.toContain(bench.folder);
});

test("a stage may say when it is to be tried again", async () => {
  const project = await bench.until(await bench.create("soon"), completed);
  expect(stageOf(project, "s").attempt).toBe(2);
});

test("a command that fails has its output and its artifacts recorded", async () => {
  const project = await bench.until(await bench.create("commands"), ended);
  expect(project.error_info).toMatchObject({
    code: "STAGE_FAILED",
    message: "The command exited with 7.",
    exit_code: 7,
  });
  expect(stageOf(project, "s").exit_code).toBe(7);
  expect(stageOf(project, "s").output_data.artifacts).toEqual(["out/kept.txt"]);
  expect(await bench.logOf(project, "s")).toEqual([
    "before",
    "to the other",
    "direct",
    "The command exited with 7.",
  ]);
});

test("an error while artifacts are collected hid how a failed command had ended", async () => {
  const project = await bench.until(await bench.create("removes"), ended);
  expect(project.error_info).toMatchObject({ message: "The command exited with 7.", exit_code: 7 });
  expect((await bench.logOf(project, "s"))[0]).toContain("The artifacts are not recorded: ENOENT");
});

test("a build whose pipeline has other stages now fails and says which", async () => {
  const plan = { pipeline: "third", pipeline_version: "1", stages: [{ stage: "s" }, { stage: "gone" }] };
  const { project_id } = await bench.repository.control.create({ requirement: "x" }, plan);
  const project = await bench.until(project_id, ended);
  expect(project.error_info).toMatchObject({ stage: "s", code: "PIPELINE_CHANGED" });
  expect(project.error_info?.message).toContain("expected the stages s, gone; found s");
});

test("a build of a pipeline that this worker does not have is left alone", async () => {
  const plan = { pipeline: "elsewhere", pipeline_version: "1", stages: [{ stage: "s" }] };
  const { project_id } = await bench.repository.control.create({ requirement: "x" }, plan);
  await bench.until(await bench.create("exits"), ended);
  expect((await bench.repository.get(project_id)).revision).toBe(1);
});
