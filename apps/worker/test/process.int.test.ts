import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import type { Project } from "@stagefold/core";
import { type PipelineRegistry, stagesFor } from "@stagefold/pipeline";
import { type Backend, openBackend, parseEnv } from "@stagefold/runtime";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { createWorker } from "../src/worker.ts";
import { RUNNER_SCRIPT, stageOf } from "./harness.ts";
import { isAlive, pidsIn, untilGone } from "./processes.ts";
import { freePort, spawnAlone, spawnWorker, untilReady } from "./worker-process.ts";

const itInSoak = test.runIf(SOAK);

const YAML = `
name: waits
stages:
  - stage: one
    command: echo one > kept.txt; echo made
    artifacts: ["kept.txt"]
  - stage: two
    retry: { attempts: 1 }
    command: |
      echo $$ >> pids
      if [ "$STAGEFOLD_ATTEMPT" = 1 ]; then sleep 300 & echo $! >> pids; wait; fi
      cat kept.txt
`;
const SPIN = `
import { appendFileSync } from "node:fs";
import { definePipeline } from "@stagefold/pipeline";

export default definePipeline({ name: "spins", stages: [{ stage: "s", run(ctx) {
  appendFileSync(ctx.workDir + "/pids", process.pid + "\\n");
  if (ctx.attempt === 1) for (;;) {}
  return { attempt: ctx.attempt };
} }] });
`;
/** As little as `spins` does it yield, and it takes no processor from the others. */
const BLOCK = SPIN.replace(
  "for (;;) {}",
  "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
).replace('name: "spins"', 'name: "blocks"');

let root: string;
let backend: Backend;
let pipelines: PipelineRegistry;
let env: Record<string, string>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-worker-int-"));
  const folder = join(root, "pipelines");
  await mkdir(folder);
  await writeFile(join(folder, "waits.yaml"), YAML);
  await writeFile(join(folder, "spins.ts"), SPIN);
  await writeFile(join(folder, "blocks.ts"), BLOCK);
  await writeFile(join(folder, "quick.yaml"), 'name: quick\nstages: [{ stage: s, command: "true" }]\n');
  env = {
    STAGEFOLD_DATA_DIR: join(root, "data"),
    STAGEFOLD_PIPELINES: folder,
    STAGEFOLD_LEASE_SECONDS: "6",
    STAGEFOLD_DRAIN_SECONDS: "20",
  };
  backend = await openBackend(parseEnv(env));
  pipelines = await openPipelines(folder);
});

afterAll(async () => {
  await backend.close();
  await rm(root, { recursive: true, force: true });
});

async function create(name: string, requirement = "x"): Promise<string> {
  const pipeline = pipelines.get(name);
  if (!pipeline) throw new Error(`expected a pipeline ${name}`);
  const stages = stagesFor(pipeline, {}).map(({ stage }) => ({ stage }));
  const plan = { pipeline: name, pipeline_version: pipeline.version, stages };
  return (await backend.repository.control.create({ requirement }, plan)).project_id;
}

async function until(id: string, when: (project: Project) => boolean, seconds = 90): Promise<Project> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const project = await backend.repository.get(id, { consistent: true });
    if (when(project)) return project;
    if (Date.now() > end) throw new Error(`not there after ${seconds} s: ${JSON.stringify(project)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("when a worker is killed, its stages die with it, and one that starts again continues their builds at once", async () => {
  // No lease runs out while this test waits.
  const patient = { ...env, STAGEFOLD_LEASE_SECONDS: "600" };
  await using first = spawnWorker(patient);
  await untilReady(first);
  const builds = [
    { id: await create("waits"), key: "two", count: 2 },
    { id: await create("spins"), key: "s", count: 1 },
  ];
  const pids: number[] = [];
  for (const { id, count } of builds)
    pids.push(...(await pidsIn(join(root, "data/work", id, "pids"), count)));
  expect(pids.every(isAlive)).toBe(true);
  first.child.kill("SIGKILL");
  await first.exit();
  await untilGone(pids, 10_000);
  await using second = spawnWorker(patient);
  await untilReady(second);
  for (const { id, key } of builds) {
    const project = await until(id, (p) => p.status === "completed");
    expect(stageOf(project, key)).toMatchObject({
      attempt: 2,
      history: [{ attempt: 1, status: "failed", code: "WORKER_LOST" }],
    });
  }
  second.child.kill("SIGTERM");
  expect(await second.exit()).toEqual({ code: 0, signal: null });
});

test("a build that another process creates wakes the worker: its first stage starts at once", async () => {
  const own = await openBackend(parseEnv(env));
  await using worker = createWorker({
    ...{ repository: own.repository, artifacts: own.artifacts, feed: own.feed, pipelines },
    ...{
      dataDir: join(root, "woken"),
      concurrency: 1,
      drainMs: 0,
      stageEnv: {},
      runnerScript: RUNNER_SCRIPT,
    },
    log: pino({ level: "silent" }),
    // By itself it scans when this test is over.
    timings: { idleFirstMs: 600_000, idleLastMs: 600_000 },
  });
  worker.start();
  for (let i = 0; i < 3; i++) {
    const project = await until(await create("quick"), (one) => one.status === "completed");
    expect(stageOf(project, "s").attempt).toBe(1);
  }
  await worker.stop();
  await own.close();
});

test("a frozen worker loses its build to another one, and stops what it ran when it comes back", async () => {
  await using first = spawnWorker(env);
  await untilReady(first);
  const id = await create("blocks");
  const pids = await pidsIn(join(root, "data/work", id, "pids"), 1);
  first.child.kill("SIGSTOP");
  await using second = spawnWorker(env);
  await untilReady(second);
  const done = await until(id, (p) => p.status === "completed");
  expect(stageOf(done, "s")).toMatchObject({
    attempt: 2,
    history: [{ attempt: 1, status: "failed", code: "WORKER_LOST" }],
  });
  first.child.kill("SIGCONT");
  await untilGone(pids, 20_000);
  // It is none the worse for it, and nothing that it said counts.
  expect(await backend.repository.get(id, { consistent: true })).toEqual(done);
  second.child.kill("SIGTERM");
  await second.exit();
  const other = await create("waits");
  await pidsIn(join(root, "data/work", other, "pids"), 2);
  await backend.repository.control.cancel(other);
});

test("a signal gives the build back once its stage has ended; a second one ends the worker now", async () => {
  await using first = spawnWorker({ ...env, STAGEFOLD_DRAIN_SECONDS: "0", STAGEFOLD_LEASE_SECONDS: "60" });
  await untilReady(first);
  const id = await create("waits");
  const pids = await pidsIn(join(root, "data/work", id, "pids"), 2);
  first.child.kill("SIGTERM");
  expect(await first.exit()).toEqual({ code: 0, signal: null });
  expect(pids.filter(isAlive)).toEqual([]);
  const given = await until(id, (p) => p.status === "queued", 10);
  expect(stageOf(given, "two").history).toMatchObject([{ status: "cancelled", code: "WORKER_LOST" }]);
  // No later worker is to find it.
  await backend.repository.control.cancel(id);

  const other = await create("blocks");
  await using second = spawnWorker({ ...env, STAGEFOLD_LEASE_SECONDS: "60" });
  await untilReady(second);
  const more = await pidsIn(join(root, "data/work", other, "pids"), 1);
  second.child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(isAlive(second.pid)).toBe(true);
  second.child.kill("SIGINT");
  expect(await second.exit()).toEqual({ code: 1, signal: null });
  await untilGone(more, 10_000);
  await backend.repository.control.cancel(other);
});

test("a worker whose starter goes away stops at once and gives its build back", async () => {
  await using worker = spawnWorker({ ...env, STAGEFOLD_LEASE_SECONDS: "60" });
  await untilReady(worker);
  const id = await create("blocks");
  const pids = await pidsIn(join(root, "data/work", id, "pids"), 1);
  worker.child.disconnect();
  expect(await worker.exit()).toEqual({ code: 0, signal: null });
  expect(pids.filter(isAlive)).toEqual([]);
  await until(id, (p) => p.status === "queued", 10);
  await backend.repository.control.cancel(id);
});

test("an agent-build runs to its end, and its worker tells how it is", async () => {
  const port = String(await freePort());
  await using worker = spawnWorker({ ...env, STAGEFOLD_LEASE_SECONDS: "60", STAGEFOLD_WORKER_PORT: port });
  await untilReady(worker);
  const id = await create("agent-build");
  const project = await until(id, (p) => p.status === "completed" || p.status === "failed");
  expect(project.error_info).toBeUndefined();
  expect(project.status).toBe("completed");
  expect(project.build_summary?.artifacts).toBeGreaterThanOrEqual(8);
  expect(project.item_bytes).toBeLessThan(12 * 1024);
  const answers = await Promise.all(
    ["healthz", "readyz", "metrics", "else"].map((path) => fetch(`http://127.0.0.1:${port}/${path}`)),
  );
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 404]);
  const metrics = await answers[2]?.text();
  expect(metrics).toContain("stagefold_claims_total 1");
  expect(metrics).toContain(
    'stagefold_store_requests_total{operation="UpdateItem",transition="claim",outcome="ok"} 1',
  );
  const reports = Number(
    /requests_total\{operation="UpdateItem",transition="report",outcome="ok"\} (\d+)/.exec(
      metrics ?? "",
    )?.[1],
  );
  expect(reports).toBeGreaterThanOrEqual(7);
  expect(metrics).toMatch(
    /stage_seconds_count\{pipeline="agent-build",stage="agent_design",outcome="completed"\} 1/,
  );
});

itInSoak("started by hand it continues after a build, until a signal", async () => {
  const { STAGEFOLD_DATA_DIR = "" } = env;
  await using worker = spawnAlone({ STAGEFOLD_DATA_DIR });
  for (let build = 0; build < 2; build++) {
    const id = await create("agent-build", "calc");
    await until(id, (p) => p.status === "completed");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(isAlive(worker.pid)).toBe(true);
  }
  worker.child.kill("SIGTERM");
  expect(await worker.exit()).toEqual({ code: 0, signal: null });
});

test.each([
  [{ STAGEFOLD_WORKER_CONCURENCY: "2" }, 2, "STAGEFOLD_WORKER_CONCURENCY is not a setting"],
  [{ STAGEFOLD_LEASE_SECONDS: "soon" }, 2, "STAGEFOLD_LEASE_SECONDS must be"],
  [{ STAGEFOLD_PIPELINES: "/nowhere/at/all" }, 1, "/nowhere/at/all"],
])("with %o it does not start and says why in a sentence", async (wrong, code, sentence) => {
  await using worker = spawnWorker({ ...env, ...wrong });
  expect((await worker.exit()).code).toBe(code);
  expect(worker.said()).toContain(sentence);
  expect(worker.said().trim().split("\n")).toHaveLength(1);
});
