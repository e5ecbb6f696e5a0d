import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ pid: number, started: string, host: string }} Owner */

/**
 * Runs `work` while holding the lock file at `path`. Others wait; a lock whose owner is gone is taken over.
 * @template T
 * @param {string} path
 * @param {(owner: Owner) => void} onWait called once when another process holds the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, onWait, work) {
  mkdirSync(dirname(path), { recursive: true });
  let announced = false;
  while (!tryAcquire(path)) {
    const owner = readOwner(path);
    if (owner && !isAlive(owner)) {
      removeStale(path, owner);
      continue;
    }
    if (owner && !announced) {
      onWait(owner);
      announced = true;
    }
    await sleep(100);
  }
  const release = () => unlinkSync(path);
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

/**
 * The lock appears with its content in one step (a hard link), so nobody ever reads a half-written owner.
 * @param {string} path
 */
function tryAcquire(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startTime(process.pid), host: hostname() }));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(own);
  }
}

/**
 * Two waiters may see the same dead owner, and the slower must not remove the lock of the quicker:
 * so the file is moved aside, and put back when it turns out to be another one.
 * @param {string} path
 * @param {Owner} dead
 */
function removeStale(path, dead) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const found = readOwner(aside);
  if (found && (found.pid !== dead.pid || found.started !== dead.started)) linkSync(aside, path);
  unlinkSync(aside);
}

/** @param {string} path @returns {Owner | undefined} undefined when the lock is gone */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @param {Owner} owner */
function isAlive(owner) {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
    if (codeOf(error) !== "EPERM") throw error;
  }
  return startTime(owner.pid) === owner.started;
}

/**
 * When the process began, as Linux tells it; tells a reused process id from the owner. Elsewhere "".
 * @param {number} pid
 */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command, in parentheses, may itself contain spaces; the start time is field 22 of the whole.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return "";
    throw error;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
