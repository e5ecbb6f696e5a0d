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

function jobIn(work_dir: string, command: string, id = "job"): StageJob {
  const project = { project_id: "proj_000000000001", project_name: "deaf", requirement: "", tags: [] };
  return {
    id,
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

interface Bench extends AsyncDisposable {
  readonly work: string;
  readonly run: (command: string, id?: string) => ReturnType<StageRunner["run"]>;
  /** Resolves when a command has made this file. */
  readonly made: (file: string) => Promise<void>;
}

async function openRunner(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-runner-"));
  const work = join(folder, "work");
  await mkdir(work);
  const log = pino({ level: "silent" });
  const options = { script: RUNNER_SCRIPT, env: inheritedEnv(), workerPid: process.pid };
  const runner = new StageRunner(options, 1, log);
  return {
    work,
    run: (command, id) => runner.run(jobIn(work, command, id), sink, log),
    made: async (file) => {
      await expect.poll(() => readFile(join(work, file), "utf8")).toBe("");
    },
    async [Symbol.asyncDispose]() {
      await runner.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// A stage that is cancelled may reach its timeout while its grace runs, and a cancel ends within two seconds.
test("a second stop with a longer grace does not put off the first one's end", async () => {
  await using bench = await openRunner();
  const stage = bench.run("trap '' TERM; touch begun; while :; do sleep 0.1; done");
  await bench.made("begun");
  const stoppedAt = performance.now();
  stage.stop("cancelled", GRACE_MS);
  stage.stop("timeout", LONG_GRACE_MS);
  expect(await stage.done).toEqual({ kind: "stopped", reason: "cancelled" });
  expect(performance.now() - stoppedAt).toBeLessThan(LONG_GRACE_MS / 2);
});

// The end of a stage is written after it: until then its lease may be lost, and its build cancelled.
test.each([0, 200])(
  "W: a stop of a stage that has ended (grace %i ms) ended the stage of another build in the same process",
  async (graceMs) => {
    await using bench = await openRunner();
    const first = bench.run("true", "first");
    expect(await first.done).toMatchObject({ kind: "completed" });
    const second = bench.run("touch begun; sleep 1", "second");
    await bench.made("begun");
    first.stop("lease_lost", graceMs);
    expect(await second.done).toMatchObject({ kind: "completed" });
  },
);
