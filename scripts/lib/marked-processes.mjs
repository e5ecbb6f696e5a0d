import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../packages/node-files/src/error-code.mjs";
import { toolEnv } from "./run.mjs";

const MARK = "PREPARED_UNDER_LOCK";
const POLL_MS = 100;
/** What a tool gets to end in order. */
const PATIENCE_MS = 5_000;

/** Marks the processes that are started from here on, and all that they start, with the lock. @param {string} lock */
export function markProcesses(lock) {
  toolEnv[MARK] = lock;
}

/**
 * Ends what a killed owner of the lock has left behind, and waits until it is gone: turbo gives its tasks sessions of
 * their own, so no signal to a group reaches them. Where the system shows no environments (macOS, Windows), they are
 * not found and end by themselves.
 * @param {string} lock
 * @returns {Promise<number>} how many there were
 */
export async function endProcessesOf(lock) {
  const found = markedWith(lock);
  for (const pid of found) signal(pid, "SIGTERM");
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(POLL_MS))
    if (markedWith(lock).length === 0) return found.length;
  for (let left = markedWith(lock); left.length > 0; left = markedWith(lock)) {
    for (const pid of left) signal(pid, "SIGKILL");
    await sleep(POLL_MS);
  }
  return found.length;
}

/** @param {string} lock @returns {number[]} */
function markedWith(lock) {
  if (process.platform !== "linux" || lock === "") return [];
  const wanted = `${MARK}=${lock}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => environmentOf(pid).split("\0").includes(wanted))
    .map(Number);
}

/** "" where it is another user's, or gone; a zombie has none. @param {string} pid */
function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return "";
  }
}

/** @param {number} pid @param {NodeJS.Signals} name */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
