import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import { openBackend, parseEnv } from "@stagefold/runtime";
import { pino } from "pino";
import { expect, test } from "vitest";
import { inheritedEnv } from "../src/env.ts";
import { createMetrics } from "../src/metrics.ts";
import { createWorker } from "../src/worker.ts";
import { RUNNER_SCRIPT } from "./harness.ts";

const YAML = `
name: one
stages: [{ stage: s, command: "true" }]
`;

/** As a person, an import or another program leaves items. */
const POISONS: readonly (readonly [path: readonly string[], value: unknown])[] = [
  [["stages_snapshot"], "{ not JSON"],
  [["stages_snapshot"], 5],
  [["stages_snapshot"], { total: 1, completed: 0, stages: [{ stage: "x".repeat(100), stage_number: 1 }] }],
  [["lease"], "worker-1"],
  [["lease"], [1, 2]],
  [["lease", "claims"], "many"],
  [["lease_token"], "seven"],
  [["revision"], "last"],
  [["work_due_at"], "0000"],
];

test("W1: poisoned items at the head of the queue of the store that is the default stop nothing behind them", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-poison-"));
  const folder = join(root, "pipelines");
  await mkdir(folder);
  await writeFile(join(folder, "one.yaml"), YAML);
  const backend = await openBackend(parseEnv({ STAGEFOLD_DATA_DIR: join(root, "data") }));
  const pipelines = await openPipelines(folder);
  const metrics = createMetrics();
  const { repository, artifacts, store } = backend;
  const plan = { pipeline: "one", pipeline_version: "1", stages: [{ stage: "s" }] };
  const create = async (priority: number) =>
    (await repository.control.create({ requirement: "r", priority }, plan)).project_id;
  for (const [path, value] of POISONS) {
    const project_id = await create(1);
    const edits = [{ op: "set" as const, path, value }];
    await store.write({ kind: "update", transition: "upgrade", project_id, guards: [], edits });
  }
  const good = [await create(3), await create(5)];
  const worker = createWorker({
    repository,
    artifacts,
    pipelines,
    dataDir: join(root, "data"),
    concurrency: 1,
    drainMs: 1000,
    stageEnv: inheritedEnv(),
    log: pino({ level: "silent" }),
    metrics,
    runnerScript: RUNNER_SCRIPT,
    timings: { reconcileMs: 500, lostAfterMs: 0 },
  });
  worker.start();
  try {
    const end = Date.now() + 60_000;
    const statuses = async () =>
      await Promise.all(good.map(async (id) => (await repository.get(id, { consistent: true })).status));
    while ((await statuses()).some((status) => status !== "completed") && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await statuses()).toEqual(["completed", "completed"]);
  } finally {
    await worker.stop();
    await backend.close();
    await rm(root, { recursive: true, force: true });
  }
});
