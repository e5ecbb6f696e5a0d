import { treeCpuMs } from "../measure/process-tree.ts";

/** One timed run over a queue of builds. */
export interface Run {
  readonly builds_per_second: number;
  /** User and system time of everything but a store's own process, in ms; undefined where it cannot be told. */
  readonly worker_cpu_ms_per_build: number | undefined;
  readonly engine_cpu_ms_per_build: number | undefined;
}

/** Times `work`, which runs until all builds are done, and what worker and engine spend on it. */
export async function timed(
  builds: number,
  pids: { readonly worker: number; readonly engine?: number | undefined },
  work: () => Promise<void>,
): Promise<Run> {
  const cpuOf = (name: "worker" | "engine") => {
    const pid = pids[name];
    // A store without a process of its own costs what those cost who use it.
    return pid === undefined ? 0 : treeCpuMs(pid);
  };
  const before = { worker: cpuOf("worker"), engine: cpuOf("engine") };
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1000;
  const spent = (name: "worker" | "engine") => {
    const [start, end] = [before[name], cpuOf(name)];
    return start === undefined || end === undefined ? undefined : (end - start) / builds;
  };
  return {
    builds_per_second: builds / seconds,
    worker_cpu_ms_per_build: spent("worker"),
    engine_cpu_ms_per_build: spent("engine"),
  };
}
