import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { type AppProcess, startApp } from "../measure/worker-process.ts";
import { SLOW_PIPELINE } from "../workload/contents.ts";
import { type Observer, openLocalObserver } from "../workload/store.ts";
import { type Measurement, say } from "./measurement.ts";

/** Short, so that the benchmark does not wait for long: what counts is the time beyond it. */
export const LEASE_SECONDS = 5;
const LOOK_EVERY_MS = 10;

/** How long a killed worker's build stands still. */
export const recovery: Measurement = {
  keys: ["recovery_seconds"],
  async run({ short }) {
    const same: number[] = [];
    const other: number[] = [];
    for (let run = 0; run < (short ? 1 : 5); run++) {
      same.push(await recoverySeconds("same_machine"));
      other.push(await recoverySeconds("other"));
      say(`recovery: ${same.at(-1)?.toFixed(2)} s by itself, ${other.at(-1)?.toFixed(2)} s by another`);
    }
    return { recovery_seconds: { same_machine: figureOf(same), other: figureOf(other) } };
  },
};

/** From the kill of the worker until its stage runs again, in the worker's second life or in another one. */
async function recoverySeconds(by: "same_machine" | "other"): Promise<number> {
  await using cleanup = new Cleanup();
  const dataDir = await newDataDir(cleanup);
  const observer = await openLocalObserver(dataDir);
  cleanup.add(() => observer[Symbol.dispose]());
  const start = async (): Promise<AppProcess> => {
    // At the end the bench does not wait for a stage that takes for ever.
    const env = { STAGEFOLD_LEASE_SECONDS: String(LEASE_SECONDS), STAGEFOLD_DRAIN_SECONDS: "0" };
    const worker = await startApp("worker", { dataDir, env });
    cleanup.add(() => worker[Symbol.asyncDispose]());
    return worker;
  };
  const first = await start();
  const { project_id } = await observer.repository.control.create(
    { requirement: "Killed in the middle" },
    { pipeline: SLOW_PIPELINE, pipeline_version: "bench", stages: [{ stage: "slow" }] },
  );
  await untilAttempt(observer, project_id, 1);
  // One that starts while the other lives inherits nothing from it: it has to wait for the lease.
  if (by === "other") await start();
  first.signal("SIGKILL");
  const from = performance.now();
  await first.ended;
  if (by === "same_machine") await start();
  await untilAttempt(observer, project_id, 2);
  return (performance.now() - from) / 1000;
}

async function untilAttempt({ repository }: Observer, projectId: string, attempt: number): Promise<void> {
  for (const end = performance.now() + 120_000; performance.now() < end; ) {
    const [stage] = (await repository.get(projectId)).stages_snapshot.stages;
    if (stage?.status === "running" && stage.attempt === attempt) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`Expected attempt ${attempt} of ${projectId} to run within two minutes.`);
}
