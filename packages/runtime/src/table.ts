import { statSync } from "node:fs";
import { resolve } from "node:path";
import {
  AgentRecords,
  type ArtifactStore,
  type Item,
  type LogStore,
  MemoryProjectStore,
  MemoryRecordStore,
  type ProjectStore,
  type RecordStore,
  Repository,
} from "@stagefold/core";
import type { createDynamoClient, RawItem, RawScanOptions } from "@stagefold/core/dynamodb";
import type { BackendOptions } from "./backend.ts";
import type { Env } from "./env.ts";
import { openFiles } from "./files.ts";

type DynamoDBClient = ReturnType<typeof createDynamoClient>;

/** The builds as a program sees them that reads and writes them directly. */
export interface OpenTable extends AsyncDisposable {
  readonly table: string;
  /** Where it is, for people. */
  readonly place: string;
  /** Undefined where builds are in SQLite. */
  readonly client: DynamoDBClient | undefined;
  /** Of DynamoDB; undefined for Amazon's own, and where builds are in SQLite. */
  readonly endpoint: string | undefined;
  /** Whether there is such a table or database. False only when opened to read alone: `store` is empty then. */
  readonly exists: boolean;
  /** Bytes on the disk; undefined where builds are in DynamoDB. */
  readonly bytes: number | undefined;
  readonly store: ProjectStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly repository: Repository;
  /** Agents, their sessions and turns. */
  readonly agentRecords: AgentRecords;
  /** Every item, of whatever format, page by page. Errors: STORE_UNAVAILABLE. */
  items(options?: { readonly signal?: AbortSignal }): AsyncGenerator<readonly Item[]>;
  /** The same as DynamoDB writes them, with the type of every value. */
  scan(options?: RawScanOptions): AsyncGenerator<readonly RawItem[]>;
  /** One item, strongly consistent. Errors: STORE_UNAVAILABLE. */
  getRaw(projectId: string): Promise<RawItem | undefined>;
  close(): Promise<void>;
}

export interface OpenTableOptions extends BackendOptions {
  /** Makes nothing: no data folder, no database, no table, no index. */
  readonly readOnly?: boolean;
}

type Opened = Pick<
  OpenTable,
  "place" | "client" | "endpoint" | "exists" | "bytes" | "items" | "scan" | "getRaw" | "close"
> & {
  readonly store: ProjectStore;
  readonly logs: LogStore | undefined;
  readonly records: RecordStore;
  readonly artifactsBeside: (files: ArtifactStore) => ArtifactStore;
};

/** Opens the builds that the settings name. Errors: STORE_UNAVAILABLE with a sentence that says why. */
export async function openTable(env: Env, options: OpenTableOptions = {}): Promise<OpenTable> {
  const opened =
    env.store === "sqlite" ? await openSqliteFile(env, options) : await openDynamoTable(env, options);
  const { logs: ownLogs, records, artifactsBeside, store, close: closeStore, ...rest } = opened;
  const files = await openFiles(env, records);
  const logs = ownLogs ?? files.logs;
  const close = async () => {
    files.close();
    await closeStore();
  };
  const artifacts = artifactsBeside(files.artifacts);
  const repository = new Repository({ store, artifacts, logs, leaseMs: env.leaseSeconds * 1000 });
  return {
    table: env.table,
    ...rest,
    store,
    artifacts,
    logs,
    repository,
    agentRecords: new AgentRecords({ records, artifacts }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openSqliteFile(env: Env, { readOnly = false }: OpenTableOptions): Promise<Opened> {
  const { hasDatabase, openSqlite } = await import("@stagefold/sqlite");
  const place = resolve(env.dataDir);
  if (readOnly && !hasDatabase(place)) return nothing(place);
  const sqlite = await openSqlite(place, {
    ...(!env.bucket && { filesFolder: resolve(env.files) }),
    synchronous: env.sqliteSync,
    readOnly,
  });
  const { marshall } = await import("@aws-sdk/util-dynamodb");
  const raw = (item: Item): RawItem =>
    marshall(item, { removeUndefinedValues: true, allowImpreciseNumbers: true });
  return {
    place: sqlite.path,
    client: undefined,
    endpoint: undefined,
    exists: true,
    bytes: statSync(sqlite.path).size,
    store: sqlite.projects,
    logs: sqlite.logs,
    records: sqlite.records,
    artifactsBeside: sqlite.artifactsBeside,
    items: (options) => sqlite.projects.scan(options),
    async *scan(options = {}) {
      for await (const page of sqlite.projects.scan(options)) yield page.map(raw);
    },
    async getRaw(projectId) {
      const item = await sqlite.projects.get(projectId);
      return item && raw(item);
    },
    close: async () => sqlite.close(),
  };
}

async function* nothingToRead(): AsyncGenerator<never> {
  // There is no database.
}

/** Opening a database in a folder without one would make it. */
function nothing(place: string): Opened {
  return {
    place,
    client: undefined,
    endpoint: undefined,
    exists: false,
    bytes: undefined,
    store: new MemoryProjectStore(),
    logs: undefined,
    records: new MemoryRecordStore(),
    artifactsBeside: (files) => files,
    items: nothingToRead,
    scan: nothingToRead,
    getRaw: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}

async function openDynamoTable(env: Env, { readOnly = false, onRequest }: OpenTableOptions): Promise<Opened> {
  const {
    createDynamoClient,
    describeTable,
    DynamoProjectStore,
    DynamoRecordStore,
    ensureRecordsTable,
    ensureTable,
    getRaw,
    scanRaw,
    scanTable,
  } = await import("@stagefold/core/dynamodb");
  const endpoint = env.dynamodbEndpoint;
  const client = createDynamoClient({ endpoint });
  const close = async () => client.destroy();
  try {
    if (!readOnly)
      await Promise.all([ensureTable(client, env.table), ensureRecordsTable(client, env.recordsTable)]);
    const isThere = async (table: string) => !readOnly || (await describeTable(client, table)) !== undefined;
    const [exists, hasRecords] = await Promise.all([isThere(env.table), isThere(env.recordsTable)]);
    return {
      place: `the table ${env.table} at ${endpoint ?? "Amazon DynamoDB"}`,
      client,
      endpoint,
      exists,
      bytes: undefined,
      store: exists ? new DynamoProjectStore(client, env.table, onRequest) : new MemoryProjectStore(),
      logs: undefined,
      records: hasRecords
        ? new DynamoRecordStore(client, env.recordsTable, onRequest)
        : new MemoryRecordStore(),
      artifactsBeside: (files) => files,
      async *items(options) {
        if (exists) yield* scanTable(client, env.table, options);
      },
      async *scan(options) {
        if (exists) yield* scanRaw(client, env.table, options);
      },
      getRaw: (projectId) => (exists ? getRaw(client, env.table, projectId) : Promise.resolve(undefined)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
