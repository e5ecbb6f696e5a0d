import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { CliEnv } from "../env.ts";
import { CliError, EXIT, orAborted } from "../exit.ts";
import { logLine } from "./log-line.ts";
import { Supervisor } from "./supervisor.ts";

/** Programs that run as processes of their own. */
export type ProgramName = "api" | "worker" | "mcp";

/** Address of the built program. */
export function programUrl(name: ProgramName): string {
  switch (name) {
    case "api":
      return import.meta.resolve("@stagefold/api/main");
    case "worker":
      return import.meta.resolve("@stagefold/worker/main");
    case "mcp":
      return import.meta.resolve("@stagefold/api/mcp");
    default:
      return name satisfies never;
  }
}

/** What the program is started with. The API knows no dashboard: this program tells it where its build is. */
export function programArgs(name: ProgramName): string[] {
  if (name !== "api") return [];
  return ["--page", dirname(fileURLToPath(import.meta.resolve("@stagefold/web/page")))];
}

/** The running whole: API and worker, each a process of its own. */
export interface Stack {
  /** Of the API and the dashboard. */
  readonly url: string;
  /** What the API has to say to the person who started it. */
  readonly note: string | undefined;
  /** Rejects when a part is lost for good; stays pending otherwise. */
  readonly lost: Promise<never>;
  /** Worker first: what it records last is still seen. */
  stop(): Promise<void>;
  /** Ends all processes at once. */
  kill(): void;
}

/** Starts both at once. When it throws, also because the signal was aborted meanwhile, nothing is left running. */
export async function startStack(
  env: CliEnv,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Stack> {
  const api = supervisorOf("api", env, say);
  const worker = supervisorOf("worker", env, say);
  const stop = async () => {
    await worker.stop();
    await api.stop();
  };
  const kill = () => {
    worker.kill();
    api.kill();
  };
  try {
    // Before anything is started: no code would handle the end of what was.
    signal.throwIfAborted();
    const [{ url, note }] = await orAborted(signal, Promise.all([api.start(), worker.start()]));
    if (url === undefined) throw new CliError("the api did not say where it is", EXIT.failed);
    return { url, note, lost: Promise.race([api.lost, worker.lost]), stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The secrets of stages are the worker's. */
function withoutSecrets(env: CliEnv["inherited"]): CliEnv["inherited"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("STAGEFOLD_SECRET_")));
}

function supervisorOf(name: ProgramName, env: CliEnv, say: (text: string) => void): Supervisor {
  return new Supervisor({
    name,
    program: programUrl(name),
    args: programArgs(name),
    env: {
      ...(name === "worker" ? env.inherited : withoutSecrets(env.inherited)),
      // Warnings and worse, unless the user wants to read more.
      STAGEFOLD_LOG_LEVEL: env.inherited.STAGEFOLD_LOG_LEVEL ?? "warn",
    },
    onLine: (line) => say(logLine(name, line)),
    onRestart: say,
  });
}
