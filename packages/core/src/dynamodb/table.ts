import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  type GlobalSecondaryIndex,
  LimitExceededException,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { StagefoldError } from "../errors.ts";
import { LISTED_FIELDS } from "../legacy/summary.ts";
import type { RecordIndex } from "../ports/record-store.ts";
import { asStoreError } from "./requests.ts";

interface IndexDefinition {
  readonly name: string;
  readonly hash: string;
  readonly range: string;
  readonly projected: readonly string[];
}

/** The indexes by name: partition key, sort key, and the attributes they carry besides their keys. */
export const INDEXES = {
  UserIndex: { name: "UserIndex", hash: "user_id", range: "created_at", projected: LISTED_FIELDS },
  StatusIndex: { name: "StatusIndex", hash: "status", range: "created_at", projected: LISTED_FIELDS },
  AgentIndex: { name: "AgentIndex", hash: "agent_id", range: "created_at", projected: LISTED_FIELDS },
  WorkIndex: {
    name: "WorkIndex",
    hash: "work_queue",
    range: "work_due_at",
    projected: ["user_id", "pipeline", "lease"],
  },
} as const satisfies Record<string, IndexDefinition>;

/** What a table must have. */
interface TableSpec {
  readonly hash: string;
  readonly range?: string;
  readonly indexes: readonly IndexDefinition[];
  /** The field with the time (epoch seconds) from which on an item may be removed. */
  readonly expiry?: string;
}

const PROJECTS: TableSpec = { hash: "project_id", indexes: Object.values(INDEXES) };

const recordIndex = (name: RecordIndex): IndexDefinition => ({
  name,
  hash: `${name}_pk`,
  range: `${name}_sk`,
  projected: ["listed"],
});
/** Those of the records' table. */
export const RECORD_INDEXES: readonly IndexDefinition[] = [recordIndex("gsi1"), recordIndex("gsi2")];

const RECORDS = {
  hash: "pk",
  range: "sk",
  indexes: RECORD_INDEXES,
  expiry: "expires_at",
} satisfies TableSpec;

/** The request that makes the projects' table with all of its indexes. Pure. */
export function tableDefinition(table: string): CreateTableCommandInput {
  return definitionOf(table, PROJECTS);
}

/** The same for the records' table, and the field by which DynamoDB is to remove what has expired. Pure. */
export function recordsTableDefinition(
  table: string,
): CreateTableCommandInput & { readonly expiresBy: string } {
  return { ...definitionOf(table, RECORDS), expiresBy: RECORDS.expiry };
}

function definitionOf(table: string, spec: TableSpec): CreateTableCommandInput {
  const own = [spec.hash, ...(spec.range === undefined ? [] : [spec.range])];
  const keys = new Set([...own, ...spec.indexes.flatMap(({ hash, range }) => [hash, range])]);
  return {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...keys].map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
    KeySchema: own.map((name, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" })),
    GlobalSecondaryIndexes: spec.indexes.map(indexDefinition),
  };
}

function indexDefinition({ name, hash, range, projected }: IndexDefinition): GlobalSecondaryIndex {
  return {
    IndexName: name,
    KeySchema: [
      { AttributeName: hash, KeyType: "HASH" },
      { AttributeName: range, KeyType: "RANGE" },
    ],
    Projection: {
      ProjectionType: "INCLUDE",
      NonKeyAttributes: projected.filter((field) => ![hash, range, "project_id"].includes(field)),
    },
  };
}

interface Ensured {
  readonly created: boolean;
  /** Names of the indexes that were added to an older table. */
  readonly added: readonly string[];
}

interface EnsureOptions {
  readonly timeoutMs?: number;
}

/**
 * Makes the projects' table, or adds the indexes that an older one lacks, and waits until it can be used. Several
 * processes may do so at once.
 * Errors: STORE_UNAVAILABLE when the store does not answer, the table does not become active, has another key, or
 * indexes are missing that cannot be added to it.
 */
export function ensureTable(client: DynamoDBClient, table: string, options?: EnsureOptions) {
  return ensure(client, table, PROJECTS, options);
}

/** The same for the records' table; what has expired is removed by DynamoDB itself. */
export function ensureRecordsTable(client: DynamoDBClient, table: string, options?: EnsureOptions) {
  return ensure(client, table, RECORDS, options);
}

async function ensure(
  client: DynamoDBClient,
  table: string,
  spec: TableSpec,
  options: EnsureOptions = {},
): Promise<Ensured> {
  const deadline = Date.now() + (options.timeoutMs ?? 600_000);
  return await asStoreError(async () => {
    const created = (await describe(client, table)) === undefined && (await createTable(client, table, spec));
    const added: string[] = [];
    for (;;) {
      const description = await active(client, table, deadline);
      checkKeys(description, table, spec);
      const missing = spec.indexes.find((index) => indexOf(description, index.name) === undefined);
      if (missing === undefined) break;
      if (added.includes(missing.name)) throw wrongTable(table, `takes no further index (${missing.name})`);
      if (await addIndex(client, description, missing)) added.push(missing.name);
      else await pause(200, deadline, table);
    }
    if (spec.expiry !== undefined) await expireBy(client, table, spec.expiry);
    return { created, added };
  });
}

/** Once it is switched on, it stays; another process may be about to. */
async function expireBy(client: DynamoDBClient, table: string, AttributeName: string): Promise<void> {
  try {
    const { TimeToLiveDescription: now } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: table }),
    );
    if (now?.TimeToLiveStatus === "ENABLED" || now?.TimeToLiveStatus === "ENABLING") return;
    const TimeToLiveSpecification = { AttributeName, Enabled: true };
    await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }));
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    // An engine that removes nothing keeps what has expired; a switch that another process made is made.
    const settled =
      error.name === "UnknownOperationException" || /already enabled|being modified/i.test(error.message);
    if (!settled) throw error;
  }
}

function indexOf(description: TableDescription, name: string) {
  return description.GlobalSecondaryIndexes?.find((known) => known.IndexName === name);
}

/** False when it cannot be added just now: another process is about to, or one index at a time may be. */
async function addIndex(
  client: DynamoDBClient,
  description: TableDescription,
  index: IndexDefinition,
): Promise<boolean> {
  const table = description.TableName ?? "";
  try {
    await client.send(
      new UpdateTableCommand({
        TableName: table,
        AttributeDefinitions: [index.hash, index.range].map((name) => ({
          AttributeName: name,
          AttributeType: "S",
        })),
        GlobalSecondaryIndexUpdates: [
          { Create: { ...indexDefinition(index), ...throughputOf(description) } },
        ],
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ResourceInUseException || error instanceof LimitExceededException) return false;
    if (!(error instanceof DynamoDBServiceException) || error.name !== "ValidationException") throw error;
    if (/already exists/i.test(error.message)) return false;
    throw wrongTable(
      table,
      `lacks the index ${index.name}, which cannot be added to it: ${error.message}`,
      error,
    );
  }
}

/** An index of a table with provisioned throughput needs its own: as much as the table has. */
function throughputOf({ BillingModeSummary, ProvisionedThroughput: table }: TableDescription) {
  const reads = table?.ReadCapacityUnits ?? 0;
  const writes = table?.WriteCapacityUnits ?? 0;
  if (BillingModeSummary?.BillingMode === "PAY_PER_REQUEST" || reads === 0 || writes === 0) return {};
  return { ProvisionedThroughput: { ReadCapacityUnits: reads, WriteCapacityUnits: writes } };
}

/** False when another process was quicker. */
async function createTable(client: DynamoDBClient, table: string, spec: TableSpec): Promise<boolean> {
  try {
    await client.send(new CreateTableCommand(definitionOf(table, spec)));
    return true;
  } catch (error) {
    if (error instanceof ResourceInUseException) return false;
    throw error;
  }
}

/** What the store says of a table; undefined when there is none. Errors: STORE_UNAVAILABLE. */
export async function describeTable(
  client: DynamoDBClient,
  table: string,
): Promise<TableDescription | undefined> {
  return await asStoreError(() => describe(client, table));
}

async function describe(client: DynamoDBClient, table: string) {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: table }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function active(client: DynamoDBClient, table: string, deadline: number) {
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 2000)) {
    const description = await describe(client, table);
    const indexes = description?.GlobalSecondaryIndexes ?? [];
    const busy = indexes.some((index) => index.IndexStatus !== undefined && index.IndexStatus !== "ACTIVE");
    if (description?.TableStatus === "ACTIVE" && !busy) return description;
    await pause(waitMs, deadline, table);
  }
}

async function pause(ms: number, deadline: number, table: string): Promise<void> {
  if (Date.now() + ms > deadline)
    throw new StagefoldError("STORE_UNAVAILABLE", `The table ${table} did not become active in time.`, {
      retry_after: 30,
    });
  await new Promise((resolve) => setTimeout(resolve, ms));
}

type KeySchema = TableDescription["KeySchema"];

function keysOf(schema: KeySchema): string {
  return (schema ?? []).map((key) => `${key.AttributeName} ${key.KeyType}`).join(", ");
}

function checkKeys(description: TableDescription, table: string, spec: TableSpec): void {
  const key = keysOf(description.KeySchema);
  const expected = spec.range === undefined ? `${spec.hash} HASH` : `${spec.hash} HASH, ${spec.range} RANGE`;
  if (key !== expected) throw wrongTable(table, `must have the key ${expected}; it has ${key}`);
  for (const { name, hash, range } of spec.indexes) {
    const index = indexOf(description, name);
    const found = keysOf(index?.KeySchema);
    if (index && found !== `${hash} HASH, ${range} RANGE`)
      throw wrongTable(table, `must have the index ${name} on ${hash} and ${range}; it is on ${found}`);
  }
}

function wrongTable(table: string, why: string, cause?: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  return new StagefoldError(
    "STORE_UNAVAILABLE",
    `The table ${table} ${why}.`,
    { retry_after: 60 },
    { cause },
  );
}
