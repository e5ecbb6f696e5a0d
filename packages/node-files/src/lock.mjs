import { randomUUID } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "./error-code.mjs";
import { identityOf, isGone } from "./process-identity.mjs";

/** @typedef {import("./process-identity.mjs").ProcessIdentity} ProcessIdentity */
/** @typedef {ProcessIdentity & { readonly id: string }} Owner the content of a lock file */

/** An owner says that it lives by touching its lock this often. */
const TOUCH_MS = 1000;
/** A lock from elsewhere that was not touched for so long has no owner any more. */
const STALE_MS = 10_000;
const POLL_MS = 100;

/** Another process has the lock. */
export class LockedError extends Error {
  /** @param {number} pid @param {string} path */
  constructor(pid, path) {
    super(`process ${pid} has the lock ${path}`);
    this.name = "LockedError";
    this.pid = pid;
    this.path = path;
  }
}

/**
 * Makes this process the only owner of the lock file, whose folder is made when missing. Whether an owner lives is
 * known exactly on one machine. An owner elsewhere, or one whose machine has another name or was started anew, lives as
 * long as it touches its file; that takes ten seconds to find out. Ends with `release`, and with this process.
 *
 * @param {string} path
 * @param {{
 *   readonly wait?: boolean,
 *   readonly onWait?: (owner: Owner) => void,
 *   readonly onStale?: (owner: Owner) => void | Promise<void>,
 *   readonly staleMs?: number,
 * }} [options] `wait`: until the other's end, true unless given; `onWait`: called once when it begins to wait;
 *   `onStale`: called with a dead owner before its lock is taken over
 * @returns {Promise<{ readonly id: string, release(): void } & AsyncDisposable>}
 *   Errors: LockedError when the other lives and `wait` is false; those of the file system
 */
export async function acquireLock(path, { wait = true, onWait, onStale, staleMs = STALE_MS } = {}) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const id = randomUUID();
  const watch = new OwnerWatch(path, staleMs);
  let announced = false;
  while (!tryAcquire(path, id)) {
    const owner = readOwner(path);
    if (owner === undefined) continue;
    const lives = watch.lives(owner);
    if (lives === false) {
      await onStale?.(owner);
      removeStale(path, owner);
      continue;
    }
    if (lives === true && !wait) throw new LockedError(owner.pid, path);
    if (!announced) onWait?.(owner);
    announced = true;
    await sleep(POLL_MS);
  }
  return hold(path, id);
}

/** Tells whether the owner of a lock lives, by what the file shows while it is looked at. */
class OwnerWatch {
  #path;
  #staleMs;
  #seen = "";
  #since = 0;

  /** @param {string} path @param {number} staleMs */
  constructor(path, staleMs) {
    this.#path = path;
    this.#staleMs = staleMs;
  }

  /** Undefined until it is known. @param {Owner} owner @returns {boolean | undefined} */
  lives(owner) {
    const gone = isGone(owner);
    if (gone !== undefined) return !gone;
    const touched = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const now = performance.now();
    const before = this.#seen;
    // Compared with itself alone: the clocks of two machines differ.
    const seen = `${owner.id} ${touched}`;
    if (seen !== before) {
      this.#seen = seen;
      this.#since = now;
      // The file moved while it was watched.
      return before.startsWith(`${owner.id} `) ? true : undefined;
    }
    return now - this.#since > this.#staleMs ? false : undefined;
  }
}

/**
 * The lock appears with its content in one step (a hard link), so no process reads half an owner.
 * @param {string} path @param {string} id
 */
function tryAcquire(path, id) {
  const own = `${path}.${id}`;
  writeFileSync(own, JSON.stringify({ ...identityOf(process.pid), id }), { mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Two waiters may see the same dead owner, and the slower must not remove the lock of the quicker: so the file is
 * moved aside, and put back when it is another one.
 * @param {string} path @param {Owner} dead
 */
function removeStale(path, dead) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  if (readOwner(aside)?.id !== dead.id) linkSync(aside, path);
  rmSync(aside, { force: true });
}

/** @param {string} path @returns {Owner | undefined} undefined when there is no lock */
function readOwner(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const nobody = { machine: "", pid: 0, birth: "", id: text };
  try {
    const found = JSON.parse(text);
    return typeof found === "object" && found !== null ? { ...nobody, ...found } : nobody;
  } catch (error) {
    // Of an older version, or not written by this one: it counts as untouched.
    if (error instanceof SyntaxError) return nobody;
    throw error;
  }
}

/** @param {string} path @param {string} id */
function hold(path, id) {
  const touch = setInterval(() => {
    const now = new Date();
    try {
      if (readOwner(path)?.id === id) utimesSync(path, now, now);
    } catch (error) {
      // Removed by hand: there is nothing to keep any more.
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }, TOUCH_MS);
  touch.unref();
  const release = () => {
    clearInterval(touch);
    process.removeListener("exit", release);
    if (readOwner(path)?.id === id) rmSync(path, { force: true });
  };
  process.once("exit", release);
  return {
    id,
    release,
    async [Symbol.asyncDispose]() {
      release();
    },
  };
}
