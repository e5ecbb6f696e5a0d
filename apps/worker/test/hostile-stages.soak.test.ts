import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runnerMessagesSchema } from "../src/runner/protocol.ts";
import { storeArtifact } from "../src/workspace/artifact-upload.ts";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";

/** A stage of its own for each way in which code can say what no store keeps. */
const BODIES: Readonly<Record<string, string>> = {
  metadata: `ctx.reference("model.bin", { metadata: { card: "x".repeat(5000) } });`,
  "metadata-deep": `let deep = {}; for (let i = 0; i < 40; i++) deep = { deep }; ctx.reference("a", { metadata: deep });`,
  "metadata-number": `ctx.reference("a", { metadata: { n: 1e300 } });`,
  "artifact-metadata": `await ctx.artifact("a", "x", { metadata: { card: "x".repeat(5000) } });`,
  "reference-size": `ctx.reference("a", { size: 1e300 });`,
  metrics: `ctx.metrics({ input_tokens: 1e300 });`,
  "metrics-infinite": `ctx.metrics({ output_tokens: Infinity });`,
  "metrics-negative": `ctx.metrics({ tool_calls: -1 });`,
  progress: `ctx.progress(1e9);`,
  "sub-stage": `await ctx.subStage("../..", async () => undefined);`,
};
const SENT: Readonly<Record<string, string>> = {
  part: `{ kind: "part", job, part: { event: "started", key: "../.." } }`,
  "part-proto": `{ kind: "part", job, part: { event: "started", key: "__proto__" } }`,
  percent: `{ kind: "progress", job, percent: 1e9 }`,
  "percent-null": `{ kind: "progress", job, percent: null }`,
  count: `{ kind: "metrics", job, values: { input_tokens: 1e300 } }`,
  path: `{ kind: "reference", job, artifact: { path: "../../etc/passwd" } }`,
  "stored-path": `{ kind: "artifacts", job, request: 1, artifacts: [{ path: "/etc/passwd" }] }`,
  output: `{ kind: "completed", job, output: [1], clean: true, spawned: false }`,
  unknown: `{ kind: "lease", job, token: 1 }`,
  text: `"hello"`,
};
/** What goes past all that a stage is given to speak with. */
const WRITTEN: Readonly<Record<string, string>> = {
  frame: `writeSync(4, Buffer.alloc(64, 255));`,
  "no-json": `writeSync(3, "no json\\n");`,
  acknowledgement: `process.send({ cmd: "NODE_HANDLE_ACK" });`,
  handle: `process.send({ cmd: "NODE_HANDLE", type: "net.Socket", msg: {} });`,
};
const OUTPUTS: Readonly<Record<string, readonly [code: string, said: RegExp]>> = {
  map: [`{ a: { b: new Map([["a", 1]]) } }`, /a\.b: .*Map/],
  set: [`{ s: new Set([1]) }`, /s: .*Set/],
  nan: [`{ list: [1, NaN] }`, /list\.1: .*NaN/],
  infinity: [`{ n: Infinity }`, /n: .*Infinity/],
  hole: [`{ list: [1, undefined] }`, /list\[1\]: .*undefined/],
  error: [`{ e: new Error("x") }`, /e: .*Error/],
  function: [`{ f: () => 1 }`, /f: .*function/],
  bytes: [`{ b: new Uint8Array(3) }`, /b: .*Uint8Array/],
  promise: [`{ p: Promise.resolve(1) }`, /p: .*Promise/],
  date: [`{ d: new Date() }`, /d: .*Date/],
  bigint: [`{ n: 10n }`, /n: .*bigint/],
  symbol: [`{ s: Symbol("x") }`, /s: .*symbol/],
  getter: [`{ get g() { throw new Error("no"); } }`, /cannot be read|no/],
  "root-map": [`new Map()`, /Map/],
  number: [`5`, /number/],
};

const pipeline = (name: string, body: string) => `
export const ${name.replaceAll("-", "_")} = definePipeline({ name: "${name}", stages: [{ stage: "s", async run(ctx) {
  ${body}
  return {};
} }] });`;
const source = `
import { writeSync } from "node:fs";
import { definePipeline, StageError } from "@stagefold/pipeline";
${Object.entries(WRITTEN)
  .map(([name, body]) =>
    pipeline(`write-${name}`, `${body} await new Promise((resolve) => setTimeout(resolve, 60_000));`),
  )
  .join("")}
${Object.entries(BODIES)
  .map(([name, body]) => pipeline(`call-${name}`, body))
  .join("")}
${Object.entries(SENT)
  .map(([name, message]) =>
    pipeline(
      `send-${name}`,
      `
  const job = await new Promise((resolve) => { const send = process.send; process.send = (messages) => { resolve(messages[0].job); process.send = send; return send.call(process, messages); }; ctx.progress(1); });
  process.send([${message}]);
  await new Promise((resolve) => setTimeout(resolve, 60_000));`,
    ),
  )
  .join("")}
${Object.entries(OUTPUTS)
  .map(([name, [code]]) => pipeline(`out-${name}`, `return ${code};`))
  .join("")}
${pipeline("surrogate", `throw new Error("cut in an emoji \\ud83d");`)}
${pipeline("odd-error", `const e = new StageError("x"); e.code = { a: 1 }; e.message = { b: 2 }; throw e;`)}
${pipeline("throwing-error", `throw Object.defineProperty(new Error("x"), "message", { get() { throw new Error("no"); } });`)}
${pipeline("part-surrogate", `await ctx.subStage("p", async () => { throw new Error("half \\ud83d"); }).catch(() => undefined);`)}
${pipeline("good", `ctx.log("good");`)}
`;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: { "hostile.ts": source } });
  bench.worker().start();
});
afterAll(async () => await bench[Symbol.asyncDispose]());

async function failureOf(name: string) {
  const project = await bench.until(await bench.create(name), ended);
  // The worker is there for the next one.
  await bench.until(await bench.create("good"), completed);
  return project;
}

describe("W7: what a stage may not say is refused where it says it, and nothing of it ends or blocks the worker", () => {
  it.each(Object.keys(BODIES))("%s", async (name) => {
    const { error_info } = await failureOf(`call-${name}`);
    expect(error_info).toMatchObject({ stage: "s", code: "STAGE_FAILED" });
    expect(error_info?.message).not.toMatch(/process of the stage/);
    expect(error_info?.message.length).toBeGreaterThan(20);
  });
});

describe("A6: a message that the stage's process made up fails the stage alone", () => {
  it.each(Object.keys(SENT))("%s", async (name) => {
    const { error_info, stages_snapshot } = await failureOf(`send-${name}`);
    expect(error_info?.message).toMatch(/process of the stage said something unknown/);
    expect(stages_snapshot.stages[0]).toMatchObject({ status: "failed" });
  });
  it.each(Object.keys(WRITTEN))("the bytes of %s", async (name) => {
    const { error_info } = await failureOf(`write-${name}`);
    expect(error_info?.message).toMatch(/process of the stage said something unknown/);
  });
  it("a list that is no list", () => {
    for (const raw of [undefined, null, {}, [[]], [{ kind: "ready" }, 5]])
      expect(runnerMessagesSchema.safeParse(raw).success).toBe(false);
  });
});

describe("O3: an output that JSON would change is refused with path and kind", () => {
  it.each(Object.entries(OUTPUTS))("%s", async (name, [, said]) => {
    const { error_info } = await failureOf(`out-${name}`);
    expect(error_info).toMatchObject({ code: "OUTPUT_INVALID" });
    expect(error_info?.message).toMatch(said);
  });
});

describe("O1: a failure is recorded whatever its text", () => {
  it.each(["surrogate", "odd-error", "throwing-error"])("%s", async (name) => {
    const project = await failureOf(name);
    expect(project).toMatchObject({ status: "failed", error_info: { stage: "s", code: "STAGE_FAILED" } });
    expect(stageOf(project, "s")).toMatchObject({ attempt: 1 });
    expect(project.error_info?.message.isWellFormed()).toBe(true);
  });
  it("a handled failure of a part fails no stage", async () => {
    const project = await bench.until(await bench.create("part-surrogate"), completed);
    expect(stageOf(project, "s").sub_stages).toMatchObject({ p: { status: "failed" } });
  });
});

describe("W8: what is opened as an artifact is a file, whatever stands there by then", () => {
  let folder: string;
  const attempt = { project_id: "proj_000000000001", stage: "s", attempt: 1 };
  const { artifacts } = createMemoryFileStores();
  const store = (path: string) => storeArtifact(artifacts, attempt, folder, { path });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stagefold-w8-"));
    const { execFileSync } = await import("node:child_process");
    execFileSync(
      "sh",
      [
        "-c",
        "mkfifo fifo; ln -s /etc/passwd out; ln -s /dev/zero zero; mkdir dir; ln -s /etc etc; ln -s fifo to-fifo; echo x > tool; chmod 750 tool",
      ],
      { cwd: folder },
    );
    await writeFile(join(folder, "plain"), "plain");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(["fifo", "to-fifo", "out", "zero", "dir", "etc/passwd", "gone"])(
    "%s is refused at once",
    async (path) => {
      const from = performance.now();
      await expect(store(path)).rejects.toThrow();
      expect(performance.now() - from).toBeLessThan(10_000);
    },
  );
  it("F1: a file is stored with its bits", async () => {
    expect(await store("plain")).toMatchObject({ path: "plain", size: 5 });
    expect(await store("tool")).toMatchObject({ executable: true, mode: "0750" });
    expect(await readFile(join(folder, "plain"), "utf8")).toBe("plain");
  });
});
