import { resolve } from "node:path";
import { type LocalDynamoDB, startLocalDynamoDB } from "@stagefold/local-dynamodb";
import type { CliEnv } from "../env.ts";
import { CliError, EXIT } from "../exit.ts";
import { Keeper } from "./keeper.ts";
import { logLine } from "./log-line.ts";
import { type ProgramName, programArgs, programUrl } from "./program-path.ts";

/** The running whole: engine, API and worker, each a process of its own. */
export interface Stack {
  /** Of the API and the dashboard. */
  readonly url: string;
  /** Rejects when a part is lost for good; stays pending otherwise. */
  readonly lost: Promise<never>;
  /** Worker first, engine last: what still runs needs what is below it. */
  stop(): Promise<void>;
  /** Ends all processes at once. */
  kill(): Promise<void>;
}

/** Starts everything. When it throws, nothing is left running. */
export async function startStack(env: CliEnv, say: (text: string) => void): Promise<Stack> {
  const engine = env.dynamodb === "embedded" ? await startEngine(env, say) : undefined;
  const api = keeperOf("api", env, engine, say);
  const worker = keeperOf("worker", env, engine, say);
  const stop = async () => {
    await worker.stop();
    await api.stop();
    await engine?.close();
  };
  const kill = async () => {
    worker.kill();
    api.kill();
    await engine?.close();
  };
  try {
    const { url } = await api.start();
    if (url === undefined) throw new CliError("the api did not say where it is", EXIT.failed);
    await worker.start();
    return { url, lost: Promise.race([api.lost, worker.lost, lostEngine(engine)]), stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startEngine(env: CliEnv, say: (text: string) => void): Promise<LocalDynamoDB> {
  return startLocalDynamoDB({
    dataDir: resolve(env.dataDir),
    engine: env.engine,
    ...(env.dynoxide !== undefined && { dynoxidePath: env.dynoxide }),
    log: (event) => {
      if (event.event === "engine_exited") say("the embedded engine has died; starting it again");
      else if (event.event === "engine_fallback") say(`using ${event.engine}: ${event.reason}`);
      else if (event.event === "indexes_repaired")
        say(`indexes repaired after an unclean stop: ${event.items} builds, ${event.index_rows} index rows`);
      else if (event.event === "warning") say(event.reason);
    },
  });
}

async function lostEngine(engine: LocalDynamoDB | undefined): Promise<never> {
  // Without an engine of ours there is none to lose.
  const error = await (engine?.failed ?? new Promise<never>(() => undefined));
  throw error;
}

function keeperOf(
  name: ProgramName,
  env: CliEnv,
  engine: LocalDynamoDB | undefined,
  say: (text: string) => void,
): Keeper {
  return new Keeper({
    name,
    program: programUrl(name),
    args: programArgs(name),
    env: {
      ...env.inherited,
      // Warnings and worse, unless somebody wants to read more.
      STAGEFOLD_LOG_LEVEL: env.inherited.STAGEFOLD_LOG_LEVEL ?? "warn",
      ...(engine && { STAGEFOLD_DYNAMODB: engine.endpoint }),
    },
    onLine: (line) => say(logLine(name, line)),
    onRestart: say,
  });
}
