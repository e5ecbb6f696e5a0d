import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** A worker as a process of its own, as the platform runs it. */
export interface WorkerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  said(): string;
  exit(): Promise<{ code: number | null; signal: string | null }>;
}

export function spawnWorker(env: Readonly<Record<string, string>>): WorkerProcess {
  const { PATH = "", HOME = "" } = process.env;
  return watched(
    fork(MAIN, [], {
      env: { PATH, HOME, ...env },
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    }),
  );
}

/** A worker that was started by hand: nobody holds a channel to it. */
export function spawnAlone(env: Readonly<Record<string, string>>): WorkerProcess {
  const { PATH = "", HOME = "" } = process.env;
  const stdio: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
  return watched(spawn(process.execPath, [MAIN], { env: { PATH, HOME, ...env }, stdio }));
}

function watched(child: ChildProcess): WorkerProcess {
  let said = "";
  child.stderr?.on("data", (bytes) => {
    said += String(bytes);
  });
  const exited = once(child, "exit");
  const exit = async () => {
    await exited;
    return { code: child.exitCode, signal: child.signalCode };
  };
  return {
    pid: child.pid ?? 0,
    child,
    said: () => said,
    exit,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Resolves when it says that it is ready; throws what it said when it ends instead. */
export async function untilReady(worker: WorkerProcess): Promise<void> {
  const ready = once(worker.child, "message").then(([message]: unknown[]) => JSON.stringify(message));
  const first = await Promise.race([ready, worker.exit().then(() => `ended: ${worker.said()}`)]);
  if (first !== '{"kind":"ready"}') throw new Error(`expected a worker that is ready, found ${first}`);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}
