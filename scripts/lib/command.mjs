import { readFileSync } from "node:fs";
import { errorCode } from "../../packages/node-files/src/error-code.mjs";
import { PrepareError } from "./prepare.mjs";

const POLL_MS = 500;

/**
 * Runs a command of the repository. A failure to prepare ends it with one sentence; anything else that is
 * thrown is a defect and keeps its stack.
 * @param {() => Promise<number | undefined>} work gives the exit code, or undefined when the process keeps running
 */
export async function command(work) {
  endWithNpm();
  try {
    const code = await work();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    console.error(`stagefold: ${error.message}`);
    process.exitCode = error.exitCode;
  }
}

/**
 * npm runs scripts through a shell, and a SIGTERM or SIGKILL of npm reaches neither that shell nor this process, which
 * would keep running unseen. So npm's end counts as SIGTERM. (On Ctrl-C npm and the shell wait for this process.)
 */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, POLL_MS);
  timer.unref();
}

/** This process's parent and, where that is a shell between, the parent of it. */
function ancestors() {
  const { comm, ppid } = processOf(process.ppid);
  return /^(sh|dash|bash|ash|zsh|ksh|busybox)$/.test(comm) ? `${process.ppid} ${ppid}` : `${process.ppid}`;
}

/** What Linux says of a process; nothing elsewhere. @param {number} pid */
function processOf(pid) {
  try {
    const [, comm = "", ppid = ""] =
      /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return { comm, ppid };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { comm: "", ppid: "" };
  }
}
