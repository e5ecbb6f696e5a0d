import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type ArtifactStore,
  type LogStore,
  MemoryProjectStore,
  type ProjectStore,
  Repository,
} from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore, describeTable, ensureTable } from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { findLocalDynamoDB } from "@stagefold/local-dynamodb";
import { type BackendOptions, openEngine } from "./backend.ts";
import type { Env } from "./env.ts";

type DynamoDBClient = ReturnType<typeof createDynamoClient>;

/** The table as a program sees it that reads and writes it directly. */
export interface OpenTable extends AsyncDisposable {
  readonly table: string;
  /** Undefined where there is no engine to ask: a data folder without data, opened to read alone. */
  readonly client: DynamoDBClient | undefined;
  /** Of DynamoDB; undefined for Amazon's own, and where there is no engine. */
  readonly endpoint: string | undefined;
  /** Whether there is such a table. False only when opened to read alone: `store` is empty then. */
  readonly exists: boolean;
  readonly store: ProjectStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly repository: Repository;
  close(): Promise<void>;
}

export interface OpenTableOptions extends BackendOptions {
  /** Makes nothing: no data folder, no table, no index. */
  readonly readOnly?: boolean;
}

/**
 * Opens the table of the settings, through the engine that runs on the data folder or one of its own.
 * Errors: those of the embedded engine, and STORE_UNAVAILABLE.
 */
export async function openTable(env: Env, options: OpenTableOptions = {}): Promise<OpenTable> {
  const readOnly = options.readOnly === true;
  if (readOnly && !(await hasEngine(env))) return opened(env, undefined, false, options);
  const engine = await openEngine(env, options);
  const client = createDynamoClient({ endpoint: engine.endpoint });
  const close = async () => {
    client.destroy();
    await engine.close();
  };
  try {
    if (!readOnly) await ensureTable(client, env.table);
    const exists = !readOnly || (await describeTable(client, env.table)) !== undefined;
    return opened(env, { client, endpoint: engine.endpoint, close }, exists, options);
  } catch (error) {
    await close();
    throw error;
  }
}

function opened(
  env: Env,
  engine: { client: DynamoDBClient; endpoint: string | undefined; close: () => Promise<void> } | undefined,
  exists: boolean,
  { onRequest }: OpenTableOptions,
): OpenTable {
  const store =
    engine && exists ? new DynamoProjectStore(engine.client, env.table, onRequest) : new MemoryProjectStore();
  const { artifacts, logs } = createFileStores(resolve(env.dataDir, "files"));
  const repository = new Repository({ store, artifacts, logs, leaseMs: env.leaseSeconds * 1000 });
  const close = engine?.close ?? (() => Promise.resolve());
  return {
    table: env.table,
    client: engine?.client,
    endpoint: engine?.endpoint,
    exists,
    store,
    artifacts,
    logs,
    repository,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Starting the embedded engine on a folder without data would make that folder. */
async function hasEngine(env: Env): Promise<boolean> {
  if (env.dynamodb !== "embedded") return true;
  const dataDir = resolve(env.dataDir);
  return existsSync(join(dataDir, "dynamodb")) || (await findLocalDynamoDB(dataDir)) !== undefined;
}
