import { treeCpuMs } from "../measure/process-tree.ts";

/** One timed run over a queue of builds. */
export interface Run {
  readonly builds_per_second: number;
  /** User and system time of everything but the engine, in milliseconds; undefined where it cannot be told. */
  readonly worker_cpu_ms_per_build: number | undefined;
  readonly engine_cpu_ms_per_build: number | undefined;
}

/** Times `work`, which goes on until all builds are done, and what worker and engine spend on it. */
export async function timed(
  builds: number,
  pids: { readonly worker: number; readonly engine: number },
  work: () => Promise<void>,
): Promise<Run> {
  const before = { worker: treeCpuMs(pids.worker), engine: treeCpuMs(pids.engine) };
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1000;
  const spent = (name: "worker" | "engine") => {
    const [start, end] = [before[name], treeCpuMs(pids[name])];
    return start === undefined || end === undefined ? undefined : (end - start) / builds;
  };
  return {
    builds_per_second: builds / seconds,
    worker_cpu_ms_per_build: spent("worker"),
    engine_cpu_ms_per_build: spent("engine"),
  };
}
