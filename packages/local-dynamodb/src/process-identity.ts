import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { codeOf } from "./errors.ts";

/** A running process: when it started (an opaque text, unique with the pid) and its command line. */
export interface ProcessIdentity {
  started: string;
  command: string;
}

/** Who has this pid now; undefined when nobody has, or where the system does not tell. A zombie has ended. */
export async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform === "linux") return identityFromProc(pid);
  if (process.platform === "win32") return undefined;
  return identityFromPs(pid);
}

/** Whether a process has this pid and has not ended. */
export async function isRunning(pid: number): Promise<boolean> {
  if (process.platform !== "win32") return (await processIdentity(pid)) !== undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but belongs to somebody else.
    return codeOf(error) === "EPERM";
  }
}

async function identityFromProc(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, command, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The name in parentheses may hold anything; what follows it is the state (field 3) and, 19 further, the start.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || ticks === undefined) return undefined;
    return { started: `${boot.trim()}/${ticks}`, command: command.replaceAll("\0", " ") };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

async function identityFromPs(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", [
      "-ww",
      "-o",
      "stat=,lstart=,command=",
      "-p",
      String(pid),
    ]);
    const match = /^(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d{4})\s+(.*)$/s.exec(stdout.trim());
    const [, state, started, command] = match ?? [];
    if (state === undefined || started === undefined || command === undefined || state.startsWith("Z"))
      return undefined;
    return { started, command };
  } catch (error) {
    // ps ends with 1 when there is no such process.
    if (error instanceof Error && "code" in error && error.code === 1) return undefined;
    throw error;
  }
}
