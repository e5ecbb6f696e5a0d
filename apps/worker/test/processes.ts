import { existsSync, readFileSync } from "node:fs";

/** Whether a process runs; one that has ended and waits to be taken note of does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync("/proc")) return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "X");
  } catch {
    return false;
  }
}

/** How often a wait looks, in milliseconds. */
const LOOK_MS = 10;

/**
 * Waits until none of the processes runs. Returns how long that took, in milliseconds, without the time in which this
 * process, and so the worker in it, was not given the processor.
 */
export async function untilGone(pids: readonly number[], withinMs: number): Promise<number> {
  let tookMs = 0;
  for (let last = performance.now(); pids.some(isAlive); ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = performance.now();
    tookMs += Math.min(now - last, 2 * LOOK_MS);
    last = now;
    if (tookMs > withinMs) throw new Error(`still running after ${withinMs} ms: ${pids.filter(isAlive)}`);
  }
  return tookMs;
}

/** Waits for a file and reads the numbers in it. */
export async function pidsIn(path: string, count: number, withinMs = 60_000): Promise<number[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const pids = existsSync(path) ? readFileSync(path, "utf8").split(/\s+/).filter(Boolean).map(Number) : [];
    if (pids.length >= count) return pids;
    if (performance.now() > end) throw new Error(`expected ${count} pids in ${path}, found ${pids}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
