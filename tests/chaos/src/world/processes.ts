import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Every process that names the folder in its command or environment (Linux; elsewhere none are seen). */
async function processesOn(folder: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const naming = await Promise.all(pids.map((pid) => names(pid, folder)));
  return pids.filter((pid, i) => naming[i] && pid !== process.pid);
}

async function names(pid: number, folder: string): Promise<boolean> {
  const texts = await Promise.all(
    // It may end meanwhile.
    ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
  );
  return texts.some((text) => text.includes(folder));
}

/** Waits until none is left, and kills what is after a while. Resolves with how many had to be killed. */
export async function untilGone(folder: string, patienceMs: number): Promise<number> {
  for (const until = performance.now() + patienceMs; performance.now() < until; await sleep(50))
    if ((await processesOn(folder)).length === 0) return 0;
  const left = await processesOn(folder);
  for (const pid of left) killNow(pid);
  return left.length;
}

export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself just now.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
