import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bareEnv, builtFolder } from "./program.ts";

/** A process of the platform, as `npm start` runs it. */
export interface AppProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it said when it was ready: the API says where it is. */
  readonly url: string | undefined;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

export interface AppOptions {
  /** Of a DynamoDB engine; SQLite in the data folder unless given. */
  readonly endpoint?: string;
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
}

/** The folder of the pipelines that are measured. */
export function pipelinesFolder(): string {
  return join(builtFolder(), "workload", "pipelines");
}

/** Starts the API or a worker from what was built, with the pipelines of the workload. */
export async function startApp(app: "api" | "worker", options: AppOptions): Promise<AppProcess> {
  const child = fork(createRequire(import.meta.url).resolve(`@stagefold/${app}/main`), {
    env: bareEnv(options.dataDir, {
      STAGEFOLD_DATA_DIR: options.dataDir,
      ...(options.endpoint !== undefined && {
        STAGEFOLD_STORE: "dynamodb",
        STAGEFOLD_DYNAMODB_ENDPOINT: options.endpoint,
      }),
      STAGEFOLD_PIPELINES: pipelinesFolder(),
      STAGEFOLD_PORT: "0",
      STAGEFOLD_LOG_LEVEL: "warn",
      ...options.env,
    }),
    execArgv: [...(options.execArgv ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const early = ended.then(([code]: unknown[]): never => {
    throw new Error(`The ${app} ended with ${String(code)} before it was ready.`);
  });
  const [message] = await Promise.race([once(child, "message"), early]);
  // From here on its end is expected.
  early.catch(() => undefined);
  const url: unknown = message?.url;
  return {
    pid: child.pid ?? 0,
    url: typeof url === "string" ? url : undefined,
    signal: (name) => child.kill(name),
    ended,
    [Symbol.asyncDispose]: () => stop(child, ended),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  await ended;
}
