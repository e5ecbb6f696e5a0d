import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { errorCode } from "./error-code.mjs";

/**
 * A running process, told from all others: by its machine since it was started (and its container, where processes are
 * numbered apart), its number, and when it began. `birth` is in ticks of the machine; "0" where the system does not say.
 * @typedef {{ readonly machine: string, readonly pid: number, readonly birth: string }} ProcessIdentity
 */

/** @type {string | undefined} */
let thisMachine;

/**
 * Eight hex digits. A host name alone changes under a running machine; it counts only where there is nothing better.
 * @returns {string}
 */
function machine() {
  const boot = readIfThere(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const container = readIfThere(() => readlinkSync("/proc/self/ns/pid"));
  thisMachine ??= createHash("sha256")
    .update(boot === "" ? hostname() : `${boot}\n${container}`)
    .digest("hex")
    .slice(0, 8);
  return thisMachine;
}

/**
 * The process with this number on this machine; undefined when there is none.
 * @param {number} pid
 * @returns {ProcessIdentity | undefined}
 */
export function identityOf(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform !== "linux") return answers(pid) ? { machine: machine(), pid, birth: "0" } : undefined;
  const stat = readIfThere(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name, in parentheses, may have spaces and parentheses of its own. Then: state, …, the 20th is the start.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const birth = fields[19];
  // A zombie has ended; its parent has not asked yet how.
  if (birth === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  return { machine: machine(), pid, birth };
}

/**
 * True when it is proven that the process is gone; undefined when this machine cannot know, because the process runs,
 * or ran, on another.
 * @param {ProcessIdentity} identity
 * @returns {boolean | undefined}
 */
export function isGone(identity) {
  if (identity.machine !== machine()) return undefined;
  return identityOf(identity.pid)?.birth !== identity.birth;
}

/** @param {number} pid */
function answers(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but another user's.
    return errorCode(error) === "EPERM";
  }
}

/**
 * "" when there is nothing to read. Without /proc, or in a part of it that is another user's, that proves nothing.
 * @param {() => string} read
 */
function readIfThere(read) {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return "";
  }
}
