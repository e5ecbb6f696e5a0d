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

/** Waits until none of the processes runs. Returns how long that took, in milliseconds. */
export async function untilGone(pids: readonly number[], withinMs: number): Promise<number> {
  const from = performance.now();
  while (pids.some(isAlive)) {
    if (performance.now() - from > withinMs)
      throw new Error(`still running after ${withinMs} ms: ${pids.filter(isAlive)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - from;
}

/** Waits for a file and reads the numbers in it. */
export async function pidsIn(path: string, count: number, withinMs = 15_000): Promise<number[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const pids = existsSync(path) ? readFileSync(path, "utf8").split(/\s+/).filter(Boolean).map(Number) : [];
    if (pids.length >= count) return pids;
    if (performance.now() > end) throw new Error(`expected ${count} pids in ${path}, found ${pids}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
