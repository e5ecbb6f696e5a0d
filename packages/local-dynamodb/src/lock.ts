import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClassicLevel } from "classic-level";
import { codeOf, LocalDynamoDBError } from "./errors.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { type Layout, unusable, withFile } from "./layout.ts";
import { isRunning, processIdentity } from "./process-identity.ts";

export interface OwnerLock {
  release(): Promise<void>;
}

/** `owner.json`: who has the lock. `started` as in `ProcessIdentity`. */
interface Owner {
  pid: number;
  hostname: string;
  started?: string;
}

/**
 * Makes this process the one owner of the data folder.
 *
 * The lock is an empty LevelDB: it holds a lock of the operating system on a file, which ends with its process,
 * however that ends. So there is no stale lock, no pid to mistake for another, and of two racing starters exactly
 * one wins.
 * @throws LocalDynamoDBError `DATA_DIR_IN_USE`, `DATA_DIR_UNUSABLE`
 */
export async function acquireLock(layout: Layout): Promise<OwnerLock> {
  const ours = heldHere();
  if (ours.has(layout.lock) || (await isOurs(layout))) throw await inUse(layout);
  // Looked at again, because the line above waited.
  if (ours.has(layout.lock)) throw await inUse(layout);
  ours.add(layout.lock);
  try {
    const lock = await openLock(layout);
    return { release: () => release(layout, lock) };
  } catch (error) {
    ours.delete(layout.lock);
    throw error;
  }
}

/**
 * The locks of this process. Such a lock belongs to the process, and any attempt of the process itself to take it
 * again would end it: so the second attempt must not get that far, not even from another copy of this module.
 */
function heldHere(): Set<string> {
  const key = Symbol.for("@stagefold/local-dynamodb/locks");
  const held: unknown = Reflect.get(globalThis, key);
  if (held instanceof Set) return held;
  const fresh = new Set<string>();
  Reflect.set(globalThis, key, fresh);
  return fresh;
}

/** For worker threads, which share the process and not its globals. */
async function isOurs(layout: Layout): Promise<boolean> {
  const owner = await readOwner(layout);
  if (owner?.pid !== process.pid || owner.hostname !== hostname()) return false;
  return owner.started !== undefined && owner.started === (await processIdentity(process.pid))?.started;
}

async function openLock(layout: Layout): Promise<ClassicLevel> {
  // Loaded by the one process that starts an engine; those that find one running start without it.
  const { ClassicLevel: Level } = await import("classic-level");
  const lock = new Level(layout.lock);
  try {
    await lock.open();
  } catch (error) {
    if (isLocked(error)) throw await inUse(layout, error);
    throw unusable(layout.dataDir, layout.lock, error instanceof Error ? (error.cause ?? error) : error);
  }
  try {
    const started = (await processIdentity(process.pid))?.started;
    const owner: Owner = {
      pid: process.pid,
      hostname: hostname(),
      ...(started === undefined ? {} : { started }),
    };
    await withFile(layout, layout.owner, (path) => writeJsonFile(path, owner));
    return lock;
  } catch (error) {
    await lock.close();
    throw error;
  }
}

async function release(layout: Layout, lock: ClassicLevel): Promise<void> {
  try {
    await withFile(layout, layout.owner, (path) => rm(path, { force: true }));
  } finally {
    await lock.close();
    heldHere().delete(layout.lock);
  }
}

function isLocked(error: unknown): boolean {
  return (
    error instanceof Error && (codeOf(error) === "LEVEL_LOCKED" || codeOf(error.cause) === "LEVEL_LOCKED")
  );
}

async function inUse(layout: Layout, cause?: unknown): Promise<LocalDynamoDBError> {
  const pid = await ownerPid(layout);
  return new LocalDynamoDBError(
    { code: "DATA_DIR_IN_USE", data_dir: layout.dataDir, ...(pid === undefined ? {} : { owner_pid: pid }) },
    { cause },
  );
}

/** The winner writes its pid just after it has the lock: what a killed owner left is passed over for a moment. */
async function ownerPid(layout: Layout): Promise<number | undefined> {
  for (let tried = 0; tried < 10; tried += 1) {
    const owner = await readOwner(layout);
    if (owner !== undefined && (owner.hostname !== hostname() || (await isRunning(owner.pid))))
      return owner.pid;
    await sleep(20);
  }
  return undefined;
}

async function readOwner(layout: Layout): Promise<Owner | undefined> {
  const value = await withFile(layout, layout.owner, readJsonFile);
  return isOwner(value) ? value : undefined;
}

function isOwner(value: unknown): value is Owner {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "hostname" in value &&
    typeof value.hostname === "string" &&
    (!("started" in value) || typeof value.started === "string")
  );
}
