import type { CliEnv } from "../env.ts";
import { CliError, EXIT } from "../exit.ts";
import { Keeper } from "./keeper.ts";
import { logLine } from "./log-line.ts";
import { type ProgramName, programArgs, programUrl } from "./program-path.ts";

/** The running whole: API and worker, each a process of its own. */
export interface Stack {
  /** Of the API and the dashboard. */
  readonly url: string;
  /** Rejects when a part is lost for good; stays pending otherwise. */
  readonly lost: Promise<never>;
  /** Worker first: what it records last is still seen. */
  stop(): Promise<void>;
  /** Ends all processes at once. */
  kill(): void;
}

/** Starts everything. When it throws, nothing is left running. */
export async function startStack(env: CliEnv, say: (text: string) => void): Promise<Stack> {
  const api = keeperOf("api", env, say);
  const worker = keeperOf("worker", env, say);
  const stop = async () => {
    await worker.stop();
    await api.stop();
  };
  const kill = () => {
    worker.kill();
    api.kill();
  };
  try {
    const { url } = await api.start();
    if (url === undefined) throw new CliError("the api did not say where it is", EXIT.failed);
    await worker.start();
    return { url, lost: Promise.race([api.lost, worker.lost]), stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

function keeperOf(name: ProgramName, env: CliEnv, say: (text: string) => void): Keeper {
  return new Keeper({
    name,
    program: programUrl(name),
    args: programArgs(name),
    env: {
      ...env.inherited,
      // Warnings and worse, unless somebody wants to read more.
      STAGEFOLD_LOG_LEVEL: env.inherited.STAGEFOLD_LOG_LEVEL ?? "warn",
    },
    onLine: (line) => say(logLine(name, line)),
    onRestart: say,
  });
}
