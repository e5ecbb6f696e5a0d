import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks of Linux are hundredths of a second wherever Node runs. */
const TICK_MS = 10;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** User and system time, that of waited-for children included, in milliseconds. */
  readonly cpuMs: number;
}

/**
 * CPU time of a process and all below it, in milliseconds; undefined where there is no /proc to tell. `except` are
 * processes below it that are not meant, with all below them.
 */
export function treeCpuMs(pid: number, except: readonly number[] = []): number | undefined {
  const processes = allProcesses();
  if (!processes) return undefined;
  const sum = (root: number): number =>
    processes
      .filter((one) => one.parent === root && !except.includes(one.pid))
      .reduce((total, one) => total + sum(one.pid), processes.find((one) => one.pid === root)?.cpuMs ?? 0);
  return sum(pid);
}

/** Memory in use of one process, in bytes; undefined where there is no /proc to tell. */
export function residentBytes(pid: number): number | undefined {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "");
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
}

function allProcesses(): Process[] | undefined {
  if (process.platform !== "linux") return undefined;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => statOf(Number(pid)) ?? []);
}

function statOf(pid: number): Process | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // "pid (name) state ppid …"; the times are the 14th to 17th field, and the name may have spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
  return { pid, parent: Number(fields[1]), cpuMs: ticks * TICK_MS };
}

/** Undefined for a process that has ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
