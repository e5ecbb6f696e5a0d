import { resolve } from "node:path";
import { type ArtifactStore, type LogStore, type ProjectStore, Repository } from "@stagefold/core";
import {
  createDynamoClient,
  DynamoProjectStore,
  ensureTable,
  type RequestListener,
  StoreClock,
} from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import {
  findLocalDynamoDB,
  LocalDynamoDBError,
  type LocalDynamoDBEvent,
  startLocalDynamoDB,
} from "@stagefold/local-dynamodb";
import type { Env } from "./env.ts";

export interface BackendOptions {
  /** Called for every request to DynamoDB, for counters. */
  readonly onRequest?: RequestListener;
  /** Called with what the embedded engine says of itself, when it is this process that started it. */
  readonly onEngine?: (event: LocalDynamoDBEvent) => void;
  /** Called when the embedded engine that this process started is given up: nothing works from then on. */
  readonly onEngineLost?: (error: Error) => void;
}

/** The stores and the repository on them, as the settings say. */
export interface Backend extends AsyncDisposable {
  readonly repository: Repository;
  readonly store: ProjectStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  /** Of DynamoDB; undefined for Amazon's own. */
  readonly endpoint: string | undefined;
  close(): Promise<void>;
}

/**
 * Opens what a process needs to work: finds the embedded engine of the data folder or starts it, makes the table
 * or what it lacks, and puts the repository on top.
 * Errors: those of the embedded engine, and STORE_UNAVAILABLE.
 */
export async function openBackend(env: Env, options: BackendOptions = {}): Promise<Backend> {
  const engine = await openEngine(env, options);
  // Leases are decided by the store's time, not by that of whichever machine asks.
  const clock = new StoreClock();
  const client = createDynamoClient({ endpoint: engine.endpoint, clock });
  // Heartbeats have a client of their own: its retries and sockets are not used up by anything else.
  const heartbeats = createDynamoClient({
    endpoint: engine.endpoint,
    clock,
    maxAttempts: 3,
    requestTimeoutMs: Math.max(500, Math.min(5000, env.leaseSeconds * 125)),
  });
  const close = async () => {
    client.destroy();
    heartbeats.destroy();
    await engine.close();
  };
  try {
    await ensureTable(client, env.table);
    const store = new DynamoProjectStore(client, env.table, options.onRequest);
    const heartbeatStore = new DynamoProjectStore(heartbeats, env.table, options.onRequest);
    const { artifacts, logs } = createFileStores(resolve(env.dataDir, "files"), {
      // Nothing is gained by lines that outlive the item which acknowledges them.
      syncLogs: env.dynamodb !== "embedded",
    });
    const leaseMs = env.leaseSeconds * 1000;
    const repository = new Repository({ store, heartbeatStore, artifacts, logs, clock, leaseMs });
    return {
      repository,
      store,
      artifacts,
      logs,
      endpoint: engine.endpoint,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface Engine {
  readonly endpoint: string | undefined;
  close(): Promise<void>;
}

export async function openEngine(env: Env, options: BackendOptions): Promise<Engine> {
  const elsewhere = { close: () => Promise.resolve() };
  if (env.dynamodb === "aws") return { ...elsewhere, endpoint: undefined };
  if (env.dynamodb !== "embedded") return { ...elsewhere, endpoint: env.dynamodb };
  const dataDir = resolve(env.dataDir);
  const running = await findLocalDynamoDB(dataDir);
  if (running) return { ...elsewhere, endpoint: running.endpoint };
  return await startOrFind(env, dataDir, options);
}

async function startOrFind(env: Env, dataDir: string, options: BackendOptions): Promise<Engine> {
  try {
    const engine = await startLocalDynamoDB({
      dataDir,
      engine: env.engine,
      ...(env.dynoxide !== undefined && { dynoxidePath: env.dynoxide }),
      ...(options.onEngine && { log: options.onEngine }),
    });
    void engine.failed.then((error) => options.onEngineLost?.(error));
    return { endpoint: engine.endpoint, close: () => engine.close() };
  } catch (error) {
    // Two processes began at once and the other was quicker: its engine serves both.
    const running = error instanceof LocalDynamoDBError && error.code === "DATA_DIR_IN_USE";
    const found = running ? await findLocalDynamoDB(dataDir) : undefined;
    if (found) return { endpoint: found.endpoint, close: () => Promise.resolve() };
    throw error;
  }
}
