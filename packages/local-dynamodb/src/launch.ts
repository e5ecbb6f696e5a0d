import { setTimeout as sleep } from "node:timers/promises";
import type { ChosenEngine } from "./choose-engine.ts";
import type { EngineProcess } from "./engine-process.ts";
import { forgetEngine, recordEngine } from "./engine-record.ts";
import { LocalDynamoDBError, reasonOf } from "./errors.ts";
import type { Log } from "./events.ts";
import { launchDynalite } from "./launch-dynalite.ts";
import { launchDynoxide } from "./launch-dynoxide.ts";
import type { Layout } from "./layout.ts";
import { HOST, tryBind } from "./port.ts";
import { answersListTables } from "./probe.ts";

export interface LaunchPlan {
  layout: Layout;
  engine: ChosenEngine;
  port: number;
  /** How long the engine may be silent before it answers (milliseconds). */
  startTimeoutMs: number;
  log: Log;
}

const PROBE_MS = 2_000;
const BETWEEN_PROBES_MS = 10;

export function endpointOf(port: number): string {
  return `http://${HOST}:${port}`;
}

/**
 * Starts the engine and waits until it answers ListTables; when it does not, it is stopped again.
 * @throws LocalDynamoDBError `ENGINE_START_FAILED`, `PORT_UNAVAILABLE`, `DATA_DIR_UNUSABLE`
 */
export async function launch(plan: LaunchPlan, signal: AbortSignal): Promise<EngineProcess> {
  const { layout, engine } = plan;
  const running = await spawnEngine(plan);
  try {
    await recordEngine(layout, engine.kind, running.pid);
    await ready(running, plan, signal);
    return running;
  } catch (error) {
    await running.stop();
    await forgetEngine(layout);
    throw await explain(error, plan);
  }
}

async function spawnEngine({ layout, engine, port, log }: LaunchPlan): Promise<EngineProcess> {
  try {
    return engine.kind === "dynalite"
      ? await launchDynalite(layout.engineDir.dynalite, port, log)
      : await launchDynoxide(engine.binary, layout.dataFile.dynoxide, port, log);
  } catch (error) {
    throw startFailed(engine.kind, reasonOf(error), error);
  }
}

/** First its own word, so that nobody else's answer on that port is taken for it; then ListTables. */
async function ready(running: EngineProcess, plan: LaunchPlan, signal: AbortSignal): Promise<void> {
  let state: "starting" | "listening" | "ended" = "starting";
  let end = "";
  void running.listening.then(() => {
    if (state === "starting") state = "listening";
  });
  void running.exited.then(({ exitCode, signal: by }) => {
    state = "ended";
    end = `it ended with ${by ?? `exit code ${exitCode}`}: ${running.lastLines() || "it said nothing"}`;
  });
  const now = () => state;
  for (;;) {
    signal.throwIfAborted();
    if (now() === "ended") throw startFailed(plan.engine.kind, end);
    if (
      now() === "listening" &&
      (await answersListTables(endpointOf(plan.port), PROBE_MS)) &&
      now() !== "ended"
    )
      return;
    if (running.quietMs() > plan.startTimeoutMs) {
      throw startFailed(plan.engine.kind, `it did not answer within ${plan.startTimeoutMs} ms`);
    }
    await sleep(BETWEEN_PROBES_MS);
  }
}

/** An engine that could not start because its port is taken says so in its own words: look, and say it in ours. */
async function explain(error: unknown, { engine, port }: LaunchPlan): Promise<unknown> {
  if (!(error instanceof LocalDynamoDBError) || error.code !== "ENGINE_START_FAILED") return error;
  const taken = await tryBind(port);
  if (taken === undefined) return error;
  return new LocalDynamoDBError(
    { code: "PORT_UNAVAILABLE", port, reason: `${reasonOf(taken)} (${engine.kind})` },
    { cause: error },
  );
}

function startFailed(engine: ChosenEngine["kind"], reason: string, cause?: unknown): LocalDynamoDBError {
  return new LocalDynamoDBError({ code: "ENGINE_START_FAILED", engine, reason }, { cause });
}
