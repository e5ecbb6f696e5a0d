import { resolve } from "node:path";
import {
  type ArtifactStore,
  type ChangeFeed,
  type LogStore,
  type ProjectStore,
  type RecordStore,
  Repository,
} from "@stagefold/core";
import type { RequestListener } from "@stagefold/core/dynamodb";
import type { Env } from "./env.ts";
import { openFiles } from "./files.ts";

export interface BackendOptions {
  /** Called for every request to DynamoDB and every write to the embedded store, for counters. */
  readonly onRequest?: RequestListener;
  /** Called with what the change feed cannot read, which it tries again, and with what its listeners throw. */
  readonly onFeedError?: (error: unknown) => void;
}

/** The stores and the repository on them, as the settings say. */
export interface Backend extends AsyncDisposable {
  readonly repository: Repository;
  readonly store: ProjectStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  /** What is no build. */
  readonly records: RecordStore;
  /** What changes, by whichever process. */
  readonly feed: ChangeFeed;
  close(): Promise<void>;
}

/**
 * Opens what a process needs to work: the SQLite file of the data folder, or the table in DynamoDB, made where it is
 * not there, and the repository on top.
 * Errors: STORE_UNAVAILABLE with a sentence that says why.
 */
export async function openBackend(env: Env, options: BackendOptions = {}): Promise<Backend> {
  // Each is loaded only where it is used: Amazon's SDK takes longer to load than everything else together.
  return env.store === "sqlite" ? await openOnSqlite(env, options) : await openOnDynamoDB(env, options);
}

const OPERATIONS = { put: "PutItem", update: "UpdateItem", delete: "DeleteItem" } as const;

async function openOnSqlite(env: Env, options: BackendOptions): Promise<Backend> {
  const { openSqlite } = await import("@stagefold/sqlite");
  const sqlite = await openSqlite(env.dataDir, {
    ...(!env.bucket && { filesFolder: resolve(env.files) }),
    synchronous: env.sqliteSync,
    ...(options.onFeedError && { onFeedError: options.onFeedError }),
    // Under the names that the same write has in DynamoDB: figures mean the same on both.
    onWrite: ({ kind, ...end }) => options.onRequest?.({ operation: OPERATIONS[kind], ...end }),
  });
  const { projects: store, logs, records, feed } = sqlite;
  const files = await openFiles(env, records);
  const artifacts = sqlite.artifactsBeside(files.artifacts);
  const repository = new Repository({ store, artifacts, logs, leaseMs: env.leaseSeconds * 1000 });
  const close = async () => {
    files.close();
    sqlite.close();
  };
  return { repository, store, artifacts, logs, records, feed, close, [Symbol.asyncDispose]: close };
}

async function openOnDynamoDB(env: Env, options: BackendOptions): Promise<Backend> {
  const {
    createDynamoClient,
    DynamoProjectStore,
    DynamoRecordStore,
    ensureRecordsTable,
    ensureTable,
    PollingChangeFeed,
    StoreClock,
  } = await import("@stagefold/core/dynamodb");
  const endpoint = env.dynamodbEndpoint;
  // Leases are decided by the store's time, not by that of whichever machine asks.
  const clock = new StoreClock();
  const client = createDynamoClient({ endpoint, clock });
  // Heartbeats have a client of their own: its retries and sockets are not used up by anything else.
  const heartbeats = createDynamoClient({
    endpoint,
    clock,
    maxAttempts: 3,
    // As long as a renewal may take: from a quarter of the lease to three quarters.
    requestTimeoutMs: Math.min(5000, env.leaseSeconds * 500),
  });
  const opened = [() => client.destroy(), () => heartbeats.destroy()];
  const close = async () => {
    for (const end of opened) end();
  };
  try {
    await Promise.all([ensureTable(client, env.table), ensureRecordsTable(client, env.recordsTable)]);
    const store = new DynamoProjectStore(client, env.table, options.onRequest);
    const heartbeatStore = new DynamoProjectStore(heartbeats, env.table, options.onRequest);
    const records = new DynamoRecordStore(client, env.recordsTable, options.onRequest);
    const { artifacts, logs, close: closeFiles } = await openFiles(env, records);
    opened.push(closeFiles);
    const leaseMs = env.leaseSeconds * 1000;
    const repository = new Repository({ store, heartbeatStore, artifacts, logs, clock, leaseMs });
    return {
      repository,
      store,
      artifacts,
      logs,
      records,
      feed: new PollingChangeFeed(store, { ...(options.onFeedError && { onError: options.onFeedError }) }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
