import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { type Bench, completed, openBench, stageOf } from "./harness.ts";

const itInSoak = test.runIf(SOAK);

const LARGE = `
import { mkdirSync, symlinkSync, writeFileSync, existsSync, readFileSync } from "node:fs";
import { definePipeline, StageError } from "@stagefold/pipeline";
import { z } from "zod";

export const large = definePipeline({ name: "large", stages: [
  { stage: "make", output: z.object({ text: z.string() }), run: () => ({ text: "é".repeat(20_000) }) },
  { stage: "read", run: (ctx) => ({ length: ctx.output("make", z.object({ text: z.string() })).text.length }) },
] });
export const many = definePipeline({ name: "many", stages: [{ stage: "s", async run(ctx) {
  await Promise.all(Array.from({ length: 60 }, (_, i) => ctx.artifact("files/" + i + ".txt", "number " + i)));
  return { made: 60 };
} }] });
export const chatty = definePipeline({ name: "chatty", stages: [{ stage: "s", async run(ctx) {
  for (let i = 0; i < 100_000; i++) ctx.log("line " + i + " " + "x".repeat(60));
  return {};
} }] });
export const odd = definePipeline({ name: "odd", stages: [{ stage: "s", async run(ctx) {
  ctx.log("a\\0b", "two\\nlines", "half \\ud800 a character", "");
  process.stdout.write("no end");
  ctx.log("x".repeat(150_000));
  process.stdout.write(Buffer.from([0xe4, 0xbd]));
  await new Promise((r) => setTimeout(r, 50));
  process.stdout.write(Buffer.from([0xa0]));
  return {};
} }] });
export const parts = definePipeline({ name: "parts", stages: [{ stage: "s", async run(ctx) {
  await Promise.all(["a", "b", "c"].map((key) => ctx.subStage(key, async (part) => {
    part.log("in " + key);
    part.progress(40);
    await new Promise((r) => setTimeout(r, key === "a" ? 300 : 100));
    await part.artifact("parts/" + key, key);
  })));
  await ctx.subStage("broken", async () => { throw new Error("this one breaks"); }).catch(() => undefined);
  await ctx.subStage("broken", async () => undefined);
  return {};
} }] });
export const links = definePipeline({ name: "links", stages: [{ stage: "s", async run(ctx) {
  symlinkSync("/etc", ctx.workDir + "/etc");
  const refused = [];
  for (const [path, content] of [["etc/x", "x"], ["../x", "x"], ["/tmp/x", "x"], ["a\\\\b", "x"], ["etc/passwd", { file: "/etc/passwd" }], ["dir", { file: "/etc" }]])
    await ctx.artifact(path, content).catch((error) => refused.push(error.message));
  writeFileSync(ctx.workDir + "/own.txt", "own");
  await ctx.artifact("own.txt", { file: "own.txt" });
  await ctx.artifact("copy/of.txt", { file: ctx.workDir + "/own.txt" });
  return { refused };
} }] });
export const steps = definePipeline({ name: "steps", stages: [
  { stage: "one", async run(ctx) { await ctx.artifact("kept/one.txt", "one"); writeFileSync(ctx.workDir + "/loose.txt", "loose"); return { v: 1 }; } },
  { stage: "two", async run(ctx) {
    if (!existsSync(ctx.workDir + "/../../go")) throw new StageError("not yet", { retry_in_seconds: 0.05 });
    return { found: readFileSync("kept/one.txt", "utf8"), loose: existsSync("loose.txt"), v: ctx.output("one", z.object({ v: z.number() })).v };
  }, retry: { attempts: 20 } },
] });
`;
const COMMANDS = `
name: three
stages:
  - stage: fetch
    command: mkdir -p src/reports && printf 'hello from %s' "$STAGEFOLD_STAGE" > src/a.txt && env | sort && ln -s /etc/passwd src/reports/outside && ln -s ../a.txt src/reports/inside
    env: { WHO: "me" }
    artifacts: ["src/**", "src/reports/inside", "src/reports/outside"]
  - stage: test
    command: cat src/a.txt; echo; echo "$STAGEFOLD_REQUIREMENT / $STAGEFOLD_ATTEMPT" 1>&2; pwd
  - stage: pack
    command: "printf x > packed"
    artifacts: [packed, missing-*]
`;
const files = { "large.ts": LARGE, "commands.yaml": COMMANDS };

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker().start();
});
afterAll(() => bench[Symbol.asyncDispose]());

test("an output too large for the item is kept aside and read back by later stages", async () => {
  const project = await bench.until(await bench.create("large"), completed);
  expect(stageOf(project, "make").output_ref).toBe("outputs/make.json");
  expect(stageOf(project, "read").output_data).toMatchObject({ length: 20_000 });
  expect(project.item_bytes).toBeLessThan(12_000);
});

test("sixty artifacts become a manifest", async () => {
  const project = await bench.until(await bench.create("many"), completed);
  const stage = stageOf(project, "s");
  expect(stage.output_data.artifact_count).toBe(60);
  expect(stage.output_data.artifacts.length).toBeLessThanOrEqual(50);
  const all = await bench.repository.artifactsOf(project);
  expect(all).toHaveLength(60);
  for (const { path, size } of all) expect(size).toBe(path === "files/0.txt" ? 8 : path.length + 1 - 4);
});

itInSoak("a hundred thousand lines are all kept, in few writes and a small item", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker().start();
  const from = performance.now();
  const project = await bench.until(await bench.create("chatty"), completed, 60);
  const seconds = (performance.now() - from) / 1000;
  const lines = await bench.logOf(project, "s");
  expect(lines).toHaveLength(100_000);
  expect(lines[77_777]).toBe(`line 77777 ${"x".repeat(60)}`);
  expect(project.item_bytes).toBeLessThan(3000);
  expect(bench.store.count("report")).toBeLessThanOrEqual(2 + Math.ceil(seconds / 2));
});

test("odd output becomes lines that can be stored", async () => {
  const project = await bench.until(await bench.create("odd"), completed);
  const lines = await bench.logOf(project, "s");
  expect(lines.slice(0, 5)).toEqual(["ab", "two", "lines", "half \ufffd a character", ""]);
  // Each stream has a line of its own, which comes where it ends.
  expect(lines.slice(5)).toEqual(["x".repeat(150_000), "no end你"]);
});

test("sub-stages run side by side and each has its own end", async () => {
  const project = await bench.until(await bench.create("parts"), completed);
  const { sub_stages, output_data } = stageOf(project, "s");
  expect(Object.keys(sub_stages).sort()).toEqual(["a", "b", "broken", "c"]);
  for (const key of ["a", "b", "c"])
    expect(sub_stages[key]).toMatchObject({ status: "completed", progress: 40, artifacts: [`parts/${key}`] });
  expect(sub_stages.broken).toMatchObject({ status: "completed", number: 4 });
  expect(output_data.artifacts.sort()).toEqual(["parts/a", "parts/b", "parts/c"]);
  const [a, b] = [sub_stages.a, sub_stages.b];
  expect(Date.parse(a?.started_at ?? "")).toBeLessThan(Date.parse(b?.completed_at ?? ""));
  expect(Date.parse(b?.completed_at ?? "")).toBeLessThan(Date.parse(a?.completed_at ?? ""));
  expect(await bench.logOf(project, "s")).toContain("[b] in b");
});

test("artifacts stay below the workspace", async () => {
  const project = await bench.until(await bench.create("links"), completed);
  const { refused, artifacts, artifact_info } = stageOf(project, "s").output_data;
  expect(refused).toHaveLength(6);
  expect(artifacts).toEqual(["own.txt", "copy/of.txt"]);
  expect(artifact_info["copy/of.txt"]).toMatchObject({ size: 3 });
});

test("a worker without the workspace restores what finished stages recorded", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const first = bench.worker({ dataDir: join(bench.folder, "one") });
  first.start();
  const id = await bench.create("steps");
  await bench.until(id, (p) => stageOf(p, "two").attempt > 0);
  await first.stop();
  const other = join(bench.folder, "two");
  await bench.until(id, (p) => p.status === "queued");
  const second = bench.worker({ dataDir: other });
  second.start();
  await bench.until(id, (p) => stageOf(p, "two").attempt > 3);
  await writeFile(join(other, "go"), "");
  const project = await bench.until(id, completed);
  expect(stageOf(project, "two").output_data).toMatchObject({ found: "one", loose: false, v: 1 });
});

test("the folder of a build keeps what its stages left in it from attempt to attempt", async () => {
  const id = await bench.create("steps");
  await bench.until(id, (p) => stageOf(p, "two").attempt > 1);
  await writeFile(join(bench.folder, "data/go"), "");
  const project = await bench.until(id, completed);
  expect(stageOf(project, "two").output_data).toMatchObject({ found: "one", loose: true });
});

test("three commands share a folder, get what they are promised and nothing else", async () => {
  const id = await bench.create("three", "需求 $HOME");
  const project = await bench.until(id, completed);
  const names = (await bench.logOf(project, "fetch")).flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
  const given = ["HOME", "LANG", "PATH"].filter((name) => process.env[name] !== undefined);
  const stagefold = ["ATTEMPT", "INPUT", "PROJECT_ID", "REQUIREMENT", "STAGE"].map(
    (name) => `STAGEFOLD_${name}`,
  );
  // The shell adds where it is.
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name))).toEqual(
    [...given, ...stagefold, "WHO"].sort(),
  );
  expect(stageOf(project, "fetch").output_data.artifacts).toEqual(["src/a.txt", "src/reports/inside"]);
  expect((await bench.logOf(project, "fetch")).join()).toContain("src/reports/outside is not recorded");
  // Of what is written at once to both outputs, one may come before the other.
  const said = await bench.logOf(project, "test");
  expect(said).toHaveLength(3);
  expect(said).toEqual(expect.arrayContaining(["hello from fetch", "需求 $HOME / 1"]));
  expect(said.some((line) => line.endsWith(`data/work/${id}`))).toBe(true);
  expect(stageOf(project, "pack").output_data.artifacts).toEqual(["packed"]);
  await rm(join(bench.folder, "data/work", id), { recursive: true, force: true });
  const stored = await bench.artifacts.get({ project_id: id, stage: "pack", attempt: 1, path: "packed" });
  expect(stored?.size).toBe(1);
});
