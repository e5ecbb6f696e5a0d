import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type EngineName, startEngine } from "@stagefold/store-testing/engine";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";

/** A whole system in processes of its own, with everything that goes to the engine counted. */
export interface Stack extends AsyncDisposable {
  readonly url: string;
  readonly proxy: CountingProxy;
}

export async function startStack(name?: EngineName): Promise<Stack> {
  const cleanup: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), "stagefold-bench-"));
    cleanup.push(() => rm(dataDir, { recursive: true, force: true }));
    const engine = await startEngine(name);
    cleanup.push(() => engine.close());
    const proxy = await startCountingProxy(engine.endpoint);
    cleanup.push(async () => await proxy[Symbol.asyncDispose]());
    const env = {
      PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
      HOME: dataDir,
      STAGEFOLD_DATA_DIR: dataDir,
      STAGEFOLD_STORE: "dynamodb",
      STAGEFOLD_DYNAMODB_ENDPOINT: proxy.endpoint,
      STAGEFOLD_PORT: "0",
      STAGEFOLD_LOG_LEVEL: "warn",
    };
    const api = await startApp("@stagefold/api/main", env);
    cleanup.push(api.stop);
    const worker = await startApp("@stagefold/worker/main", env);
    cleanup.push(worker.stop);
    if (api.url === undefined) throw new Error("the API did not say where it listens");
    return { url: api.url, proxy, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function startApp(
  name: string,
  env: NodeJS.ProcessEnv,
): Promise<{ url?: string; stop: () => Promise<void> }> {
  const child = fork(createRequire(import.meta.url).resolve(name), {
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const failed = once(child, "exit").then(([code]: unknown[]) => {
    throw new Error(`${name} ended with ${String(code)} before it was ready`);
  });
  const [message] = await Promise.race([once(child, "message"), failed]);
  failed.catch(() => undefined);
  return { ...message, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
