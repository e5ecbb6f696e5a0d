import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { inheritedEnv } from "../src/env.ts";
import type { StageJob, StageSink } from "../src/runner/protocol.ts";
import { StageRunner } from "../src/runner/runner.ts";
import { RUNNER_SCRIPT } from "./harness.ts";

const GRACE_MS = 500;
const LONG_GRACE_MS = 60_000;

const sink: StageSink = {
  lines: () => undefined,
  begun: () => undefined,
  hasRoom: () => true,
  room: () => Promise.resolve(),
  progress: () => undefined,
  metrics: () => undefined,
  part: () => undefined,
  noted: () => undefined,
  artifact: () => Promise.resolve(() => undefined),
  reference: () => undefined,
  ask: () => Promise.reject(new Error("no model")),
};

function jobIn(work_dir: string): StageJob {
  const project = { project_id: "proj_000000000001", project_name: "deaf", requirement: "", tags: [] };
  const command = "trap '' TERM; touch begun; while :; do sleep 0.1; done";
  return {
    id: "job",
    marker: "\u0001marker",
    stage: "wait",
    attempt: 1,
    work_dir,
    project,
    outputs: {},
    limits: {},
    secrets: {},
    action: { kind: "command", command, env: {}, artifacts: [] },
  };
}

// A stage that is cancelled may reach its timeout while its grace runs, and a cancel ends within two seconds.
test("a second stop with a longer grace does not put off the first one's end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-runner-"));
  const work = join(folder, "work");
  await mkdir(work);
  const log = pino({ level: "silent" });
  const runner = new StageRunner(
    { script: RUNNER_SCRIPT, env: inheritedEnv(), workerPid: process.pid },
    1,
    log,
  );
  try {
    const stage = runner.run(jobIn(work), sink, log);
    await expect.poll(() => readFile(join(work, "begun"), "utf8"), { timeout: 60_000 }).toBe("");
    const stoppedAt = performance.now();
    stage.stop("cancelled", GRACE_MS);
    stage.stop("timeout", LONG_GRACE_MS);
    expect(await stage.done).toEqual({ kind: "stopped", reason: "cancelled" });
    expect(performance.now() - stoppedAt).toBeLessThan(LONG_GRACE_MS / 2);
  } finally {
    await runner.close();
    await rm(folder, { recursive: true, force: true });
  }
});
