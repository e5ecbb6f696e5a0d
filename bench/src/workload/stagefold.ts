import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { startApp } from "../measure/worker-process.ts";
import { AT_ONCE, PIPELINE } from "./contents.ts";
import { type Run, timed } from "./run.ts";
import { openLocalObserver, queueBuilds, requireBuilt, untilNoWork } from "./store.ts";

/** Longer than a worker that finds nothing waits before it looks again. */
const IDLE_AT_MOST_MS = 2600;
const WARM_UP = 48;

/**
 * Builds the workload with a real worker on SQLite: a process of its own, warmed up, then halted while the builds are queued, so
 * that the clock starts with all of them waiting. `profile` is a folder for the worker's CPU profile.
 */
export async function runStagefold(
  builds: number,
  pipeline: string = PIPELINE,
  options: { readonly profile?: string | undefined } = {},
): Promise<Run> {
  await using cleanup = new Cleanup();
  const dataDir = await newDataDir(cleanup);
  const observer = await openLocalObserver(dataDir);
  cleanup.add(() => observer[Symbol.dispose]());
  const worker = await startApp("worker", {
    dataDir,
    env: { STAGEFOLD_WORKER_CONCURRENCY: String(AT_ONCE) },
    execArgv: options.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`],
  });
  cleanup.add(() => worker[Symbol.asyncDispose]());
  await queueBuilds(observer, WARM_UP, pipeline);
  await untilNoWork(observer, 120_000);
  worker.signal("SIGSTOP");
  const halted = performance.now();
  const ids = await queueBuilds(observer, builds, pipeline);
  await new Promise((resolve) => setTimeout(resolve, IDLE_AT_MOST_MS - (performance.now() - halted)));
  const run = await timed(builds, { worker: worker.pid }, async () => {
    worker.signal("SIGCONT");
    await untilNoWork(observer, 300_000);
  });
  await requireBuilt(observer, ids);
  return run;
}
