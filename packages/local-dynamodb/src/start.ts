import { type ChosenEngine, chooseEngine } from "./choose-engine.ts";
import { removeEndpointFile, writeEndpointFile } from "./endpoint-file.ts";
import type { EngineProcess } from "./engine-process.ts";
import { endOrphan, forgetEngine } from "./engine-record.ts";
import { LocalDynamoDBError, reasonOf } from "./errors.ts";
import type { Log } from "./events.ts";
import { endpointOf, type LaunchPlan, launch } from "./launch.ts";
import { type Layout, prepareDataDir, prepareEngineDir } from "./layout.ts";
import { acquireLock, type OwnerLock } from "./lock.ts";
import type { LocalDynamoDB, StartOptions } from "./options.ts";
import { freePort } from "./port.ts";
import { RunningLocalDynamoDB } from "./running.ts";

const START_TIMEOUT_MS = 30_000;
const PORTS_TRIED = 3;

/**
 * Starts the embedded DynamoDB on a data folder: a process of its own on a free port of 127.0.0.1, which is kept
 * running until `close`. Resolves when it answers. When it throws, nothing is left behind: no process and no lock.
 * @throws LocalDynamoDBError see `LocalDynamoDBProblem` for every code
 */
export async function startLocalDynamoDB(options: StartOptions): Promise<LocalDynamoDB> {
  const log = safeLog(options.log);
  const layout = await prepareDataDir(options.dataDir);
  const lock = await acquireLock(layout);
  try {
    return await startOwned(layout, lock, options, log);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startOwned(
  layout: Layout,
  lock: OwnerLock,
  options: StartOptions,
  log: Log,
): Promise<RunningLocalDynamoDB> {
  await endOrphan(layout, log);
  await removeEndpointFile(layout);
  const engine = await chooseEngine(layout, options, log);
  await prepareEngineDir(layout, engine.kind);
  const { running, plan } = await launchOnFreePort(layout, engine, options, log);
  try {
    await writeEndpointFile(layout, endpointOf(plan.port), engine.kind, running.pid);
  } catch (error) {
    await running.stop();
    await forgetEngine(layout);
    throw error;
  }
  log({
    event: "engine_ready",
    engine: engine.kind,
    pid: running.pid,
    endpoint: endpointOf(plan.port),
    restarts: 0,
  });
  return new RunningLocalDynamoDB(running, plan, lock, options.restart ?? {});
}

/** Somebody may take the port between finding it free and the engine binding it: then another one is tried. */
async function launchOnFreePort(
  layout: Layout,
  engine: ChosenEngine,
  options: StartOptions,
  log: Log,
): Promise<{ running: EngineProcess; plan: LaunchPlan }> {
  const startTimeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS;
  for (let tried = 1; ; tried += 1) {
    const plan = { layout, engine, port: await freePort(), startTimeoutMs, log };
    try {
      return { running: await launch(plan, new AbortController().signal), plan };
    } catch (error) {
      const taken = error instanceof LocalDynamoDBError && error.code === "PORT_UNAVAILABLE";
      if (!taken || tried === PORTS_TRIED) throw error;
      log({ event: "engine_start_failed", reason: reasonOf(error) });
    }
  }
}

/** A listener that throws must not take the engine's keeper with it; the others still hear of it. */
function safeLog(log: Log | undefined): Log {
  return (event) => {
    try {
      log?.(event);
    } catch (error) {
      process.emitWarning(`the log listener of the embedded DynamoDB threw: ${reasonOf(error)}`);
    }
  };
}
