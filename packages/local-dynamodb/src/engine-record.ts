import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalDynamoDBError, reasonOf } from "./errors.ts";
import type { Log } from "./events.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { type Layout, withFile } from "./layout.ts";
import type { EngineKind } from "./options.ts";
import { processIdentity } from "./process-identity.ts";

/** Which process has the data, so that the next owner can end it if we are killed and it is not. */
interface EngineRecord {
  pid: number;
  /** When that process started; absent where the system does not tell. */
  started?: string;
  engine: EngineKind;
  dir: string;
}

const ASK_MS = 5_000;
const FORCE_MS = 5_000;

export async function recordEngine(layout: Layout, engine: EngineKind, pid: number): Promise<void> {
  const identity = await processIdentity(pid);
  const record: EngineRecord = {
    pid,
    ...(identity === undefined ? {} : { started: identity.started }),
    engine,
    dir: layout.engineDir[engine],
  };
  await withFile(layout, layout.engineProcess, (path) => writeJsonFile(path, record));
}

export async function forgetEngine(layout: Layout): Promise<void> {
  await withFile(layout, layout.engineProcess, (path) => rm(path, { force: true }));
}

/**
 * Ends the engine of an earlier owner that was killed, and waits for its end. Only a process with the recorded
 * pid, the recorded start and our folder in its command line is touched.
 * @throws LocalDynamoDBError `ENGINE_STILL_RUNNING`, `DATA_DIR_UNUSABLE`
 */
export async function endOrphan(layout: Layout, log: Log): Promise<void> {
  const record = await withFile(layout, layout.engineProcess, readJsonFile);
  if (!isEngineRecord(record)) return;
  if (await isStillIt(record)) {
    if (!(await end(record, "SIGTERM", ASK_MS)) && !(await end(record, "SIGKILL", FORCE_MS))) {
      throw stillRunning(record, "it did not end when it was killed");
    }
    log({ event: "orphan_ended", engine: record.engine, pid: record.pid });
  }
  await forgetEngine(layout);
}

async function end(record: EngineRecord, signal: NodeJS.Signals, patienceMs: number): Promise<boolean> {
  try {
    process.kill(record.pid, signal);
  } catch (error) {
    if (await isStillIt(record)) throw stillRunning(record, reasonOf(error));
    return true;
  }
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    if (!(await isStillIt(record))) return true;
    await sleep(10);
  }
  return false;
}

async function isStillIt(record: EngineRecord): Promise<boolean> {
  if (record.started === undefined) return false;
  const identity = await processIdentity(record.pid);
  return identity?.started === record.started && identity.command.includes(record.dir);
}

function stillRunning(record: EngineRecord, reason: string): LocalDynamoDBError {
  return new LocalDynamoDBError({
    code: "ENGINE_STILL_RUNNING",
    engine: record.engine,
    pid: record.pid,
    reason,
  });
}

function isEngineRecord(value: unknown): value is EngineRecord {
  if (typeof value !== "object" || value === null) return false;
  return (
    "pid" in value &&
    typeof value.pid === "number" &&
    (!("started" in value) || typeof value.started === "string") &&
    "dir" in value &&
    typeof value.dir === "string" &&
    "engine" in value &&
    (value.engine === "dynoxide" || value.engine === "dynalite")
  );
}
