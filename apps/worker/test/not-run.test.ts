import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StagefoldError } from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { expect, onTestFinished, test } from "vitest";
import { inheritedEnv } from "../src/env.ts";
import { serveHealth } from "../src/health.ts";
import { createMetrics } from "../src/metrics.ts";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";
import { freePort } from "./worker-process.ts";

const files = {
  "one.yaml": `
name: one
stages: [{ stage: s, command: "echo ran" }]
`,
  "two.yaml": `
name: two
stages:
  - { stage: make, command: "echo made > made.txt", artifacts: ["made.txt"] }
  - { stage: use, command: "cat made.txt" }
`,
};

/** A worker whose runner processes cannot start. */
const sick = (folder: string) => ({ runnerScript: join(folder, "no-such-script.js"), concurrency: 1 });

test("W2: a worker that cannot start processes gives the build back, and another worker runs it", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const metrics = createMetrics();
  const worker = bench.worker({ ...sick(bench.folder), metrics });
  worker.start();
  const id = await bench.create("one");
  const given = await bench.until(id, (project) => stageOf(project, "s").history.length > 0);
  const { attempt, status, code, error_message } = stageOf(given, "s").history[0] ?? {};
  expect({ attempt, status, code }).toEqual({ attempt: 1, status: "failed", code: "WORKER_LOST" });
  expect(error_message).toContain(`${worker.owner} could not run this stage: `);
  expect(await metrics.registry.metrics()).toContain("stagefold_worker_not_run_total 1");
  bench.worker().start();
  const project = await bench.until(id, completed);
  expect(stageOf(project, "s").history.every((entry) => entry.code === "WORKER_LOST")).toBe(true);
});

test("a disk on which no folder of a build can be made fails no stage", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const dataDir = join(bench.folder, "full");
  await mkdir(dataDir);
  await writeFile(join(dataDir, "work"), "no folder");
  bench.worker({ dataDir, runnerScript: sick(bench.folder).runnerScript }).start();
  const id = await bench.create("one");
  const given = await bench.until(id, (project) => stageOf(project, "s").history.length > 0);
  expect(given.status).not.toBe("failed");
  const [{ code, error_message } = {}] = stageOf(given, "s").history;
  expect(code).toBe("WORKER_LOST");
  expect(error_message).toContain("The stage could not be prepared: ENOTDIR");
});

test("a system that has no process for a command's shell fails no stage", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const preload = join(bench.folder, "no-process.cjs");
  await writeFile(
    preload,
    `const child_process = require("node:child_process");
const { spawn } = child_process;
child_process.spawn = (file, ...rest) => {
  if (file === "/bin/sh") throw Object.assign(new Error("spawn /bin/sh EAGAIN"), { code: "EAGAIN", syscall: "spawn /bin/sh" });
  return spawn(file, ...rest);
};`,
  );
  bench.worker({ stageEnv: { ...inheritedEnv(), NODE_OPTIONS: `--require=${preload}` } }).start();
  const id = await bench.create("one");
  const given = await bench.until(id, (project) => stageOf(project, "s").history.length > 0);
  expect(given.status).not.toBe("failed");
  const [{ code, error_message } = {}] = stageOf(given, "s").history;
  expect(code).toBe("WORKER_LOST");
  expect(error_message).toContain("spawn /bin/sh EAGAIN");
  bench.worker({ dataDir: join(bench.folder, "other") }).start();
  await bench.until(id, completed);
});

test("a module that answered when it was read and hangs in the runner fails its stage, and is named", async () => {
  // Its pipeline is read before the file is there.
  const module = `
import { existsSync } from "node:fs";
if (existsSync(new URL("./hang", import.meta.url))) await new Promise(() => undefined);
export default { name: "hangs", stages: [{ stage: "s", run: () => ({}) }] };
`;
  await using bench = await openBench({ files: { "hangs.mjs": module }, leaseMs: 60_000, ownFiles: true });
  await writeFile(join(bench.pipelinesFolder, "hang"), "");
  bench.worker({ timings: { loadMs: 500 } }).start();
  const project = await bench.until(await bench.create("hangs"), ended);
  expect(project.error_info).toMatchObject({
    stage: "s",
    code: "STAGE_TIMEOUT",
    message: "Expected the module hangs.mjs to be loaded within 0.5 seconds; it was still loading.",
  });
  expect(stageOf(project, "s").history).toEqual([]);
});

test("W2: a store that is away while a stage's artifacts are stored fails no stage", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const put = bench.artifacts.put.bind(bench.artifacts);
  const refusals = [
    new StagefoldError("STORE_UNAVAILABLE", "The store is away.", { retry_after: 1 }),
    Object.assign(new Error("too many open files"), { code: "EMFILE", syscall: "open" }),
  ];
  let tries = 0;
  bench.artifacts.put = async (ref, content, limits) => {
    const refusal = refusals[tries++];
    if (refusal) throw refusal;
    return await put(ref, content, limits);
  };
  bench.worker().start();
  const project = await bench.until(await bench.create("two"), ended);
  expect(project.status).toBe("completed");
  expect(stageOf(project, "make")).toMatchObject({ attempt: 1, history: [] });
  expect(tries).toBe(3);
});

test("W2: a sick worker does not empty the queue, and says that it is not ready after three in a row", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const ids = await Promise.all(Array.from({ length: 5 }, () => bench.create("one")));
  const worker = bench.worker(sick(bench.folder));
  worker.start();
  const end = Date.now() + 30_000;
  const { store, log } = bench;
  const health = { store, log, metrics: createMetrics(), notReady: () => worker.notReady };
  const port = await freePort();
  const server = await serveHealth(health, "127.0.0.1", port);
  onTestFinished(() => void server.close());
  const readyz = async () => await fetch(`http://127.0.0.1:${port}/readyz`);
  expect((await readyz()).status).toBe(200);
  while (worker.notReady === undefined && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
  const answer = await readyz();
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain("not ready: the last 3 attempts could not be run here");
  const projects = await Promise.all(ids.map((id) => bench.repository.get(id)));
  expect(projects.filter((project) => project.status === "failed")).toEqual([]);
  const attempts = projects.reduce((sum, project) => sum + stageOf(project, "s").attempt, 0);
  // One build at a time, each after a longer wait.
  expect(attempts).toBeLessThanOrEqual(4);
});

test("W2: after three workers that cannot run it the build ends with the reason", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  for (let i = 0; i < 3; i++) bench.worker(sick(bench.folder)).start();
  const project = await bench.until(await bench.create("one"), ended);
  expect(project.error_info).toMatchObject({ stage: "s", code: "WORKER_LOST" });
  expect(project.error_info?.message).toContain("3 workers could not run this build. The last one, worker-");
});

test("W2: a store that is away while a workspace is restored fails no stage", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const id = await halfDone(bench);
  const get = bench.artifacts.get.bind(bench.artifacts);
  let away = 2;
  bench.artifacts.get = (ref) =>
    away-- > 0
      ? Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "the store is away", { retry_after: 1 }))
      : get(ref);
  bench.worker({ dataDir: join(bench.folder, "second") }).start();
  const project = await bench.until(id, completed);
  expect(away).toBeLessThanOrEqual(0);
  // A moment is no reason to give the build back, as the first worker did when it stopped: three that cannot run it end it.
  expect(stageOf(project, "use").history.map(({ status }) => status)).toEqual(["cancelled"]);
  expect(await bench.logOf(project, "use")).toEqual(["made"]);
});

/** A build whose first stage is done, by a worker that keeps its files for itself. */
async function halfDone(bench: Bench): Promise<string> {
  const id = await bench.create("two");
  const first = bench.worker({ dataDir: join(bench.folder, "first") });
  bench.store.after = ({ transition }) => {
    if (transition === "report" && bench.store.count("report") === 2) void first.stop();
  };
  first.start();
  await bench.until(id, (project) => project.status === "queued" && project.stages_snapshot.completed === 1);
  bench.store.after = undefined;
  return id;
}

/** Workers that do not wait for a store that is away, each with a folder of its own. */
function startImpatient(bench: Bench, count: number) {
  const timings = { storePatienceMs: 0 };
  for (let i = 0; i < count; i++)
    bench.worker({ dataDir: join(bench.folder, `other-${i}`), timings }).start();
}

const isAway = () =>
  Promise.reject(new StagefoldError("STORE_UNAVAILABLE", "the store is away", { retry_after: 1 }));

test("W2: a store that stays away for all workers ends no build", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const id = await halfDone(bench);
  const { artifacts } = bench;
  const { get, getDocument } = artifacts;
  artifacts.get = artifacts.getDocument = isAway;
  startImpatient(bench, 3);
  const tried = await bench.until(id, (project) => stageOf(project, "use").history.length > 4);
  expect(tried.lease.not_run_by).toBeUndefined();
  Object.assign(artifacts, { get: get.bind(artifacts), getDocument: getDocument.bind(artifacts) });
  const project = await bench.until(id, ended);
  expect(project.status).toBe("completed");
  const workers = new Set(stageOf(project, "use").history.map((entry) => entry.error_message?.split(" ")[0]));
  // "The" is the worker that was stopped.
  expect(workers.size).toBeGreaterThan(2);
});

test("W2: a store that answers, but has one artifact for no worker, ends the build after three", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const id = await halfDone(bench);
  bench.artifacts.get = isAway;
  startImpatient(bench, 3);
  const project = await bench.until(id, ended);
  expect(project.error_info).toMatchObject({ stage: "use", code: "WORKER_LOST" });
  expect(project.error_info?.message).toContain("3 workers could not run this build.");
});

test("F3: a build that is newer than this worker's pipelines is left to a worker that has them", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const stages = [{ stage: "old", command: "true" }];
  const outdated = {
    pipelines: {
      ...createRegistry([definePipeline({ name: "two", stages })]),
      changedAt: Date.now() - 60_000,
    },
  };
  const metrics = createMetrics();
  bench.worker({ ...outdated, metrics }).start();
  const id = await bench.create("two");
  const given = await bench.until(id, (project) => project.lease.not_run_by !== undefined);
  expect(given).toMatchObject({ status: "queued", stages_snapshot: { completed: 0 } });
  expect(stageOf(given, "make")).toMatchObject({ attempt: 0, status: "pending" });
  expect(await metrics.registry.metrics()).toContain(
    'stagefold_worker_unclaimable_total{reason="pipeline_outdated"} 1',
  );
  bench.worker().start();
  await bench.until(id, completed);
});

test("F3: due builds of a pipeline that this worker does not have are counted, and others run", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const metrics = createMetrics();
  const pipelines = createRegistry(bench.pipelines.list().filter((pipeline) => pipeline.name === "one"));
  await bench.create("two");
  const id = await bench.create("one");
  bench.worker({ pipelines, metrics }).start();
  await bench.until(id, completed);
  expect(await metrics.registry.metrics()).toContain('stagefold_worker_unserved_builds{pipeline="two"} 1');
});

test("W5: the end of an older build whose stages are all done is recorded by the claim's first write", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const id = await bench.create("one");
  const { stages_snapshot } = await bench.repository.get(id);
  const stages = stages_snapshot.stages.map((stage) => ({
    ...stage,
    status: "completed",
    attempt: 1,
    progress: 100,
  }));
  await bench.store.write({
    kind: "update",
    transition: "upgrade",
    project_id: id,
    guards: [],
    edits: [{ op: "set", path: ["stages_snapshot"], value: { ...stages_snapshot, completed: 1, stages } }],
  });
  bench.worker().start();
  const project = await bench.until(id, completed);
  expect(project.work_queue).toBeUndefined();
  expect(bench.store.count("claim")).toBe(1);
});
