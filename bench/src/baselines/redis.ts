import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Redis } from "ioredis";
import { Cleanup } from "../measure/cleanup.ts";

/** How Redis keeps what it acknowledged: to the disk once a second, or before every answer. */
export type Fsync = "everysec" | "always";

export interface RunningRedis extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

/** The path of `redis-server`, where one is installed. */
export function findRedis(path: string): string | undefined {
  return path
    .split(delimiter)
    .concat("/usr/bin", "/usr/local/bin")
    .map((folder) => join(folder, "redis-server"))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: both mean that another place is to be looked at.
    return false;
  }
}

/** A Redis on a new folder on disk with an append-only file, on a free port of 127.0.0.1. */
export async function startRedis(program: string, fsync: Fsync): Promise<RunningRedis> {
  const cleanup = new Cleanup();
  try {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-bench-redis-"));
    cleanup.add(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const settings = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const child = spawn(program, [...settings, "--appendonly", "yes", "--appendfsync", fsync], {
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    cleanup.add(async () => {
      child.kill("SIGTERM");
      await ended;
    });
    await untilAnswers(port);
    return { port, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose]() };
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilAnswers(port: number): Promise<void> {
  const client = new Redis({
    port,
    host: "127.0.0.1",
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  // Each refusal until it listens is one; ioredis tries again by itself.
  client.on("error", () => undefined);
  try {
    await client.ping();
  } finally {
    client.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port, found none");
  server.close();
  await once(server, "close");
  return address.port;
}
