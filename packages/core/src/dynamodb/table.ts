import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { StagefoldError } from "../errors.ts";

/** What a list shows, and so what a list's index projects; nothing that changes inside a stage. */
const LISTED = [
  "project_name",
  "user_id",
  "user_name",
  "status",
  "pipeline",
  "run",
  "tags",
  "priority",
  "agent_id",
  "current_stage",
  "current_stage_number",
  "progress_percentage",
  "created_at",
  "started_at",
  "completed_at",
  "error_info",
  "build_summary",
] as const;

interface IndexDefinition {
  readonly name: string;
  readonly hash: string;
  readonly range: string;
  readonly projected: readonly string[];
}

/** The indexes by name: partition key, sort key, and the attributes they carry besides their keys. */
export const INDEXES = {
  UserIndex: { name: "UserIndex", hash: "user_id", range: "created_at", projected: LISTED },
  StatusIndex: { name: "StatusIndex", hash: "status", range: "created_at", projected: LISTED },
  AgentIndex: { name: "AgentIndex", hash: "agent_id", range: "created_at", projected: LISTED },
  WorkIndex: {
    name: "WorkIndex",
    hash: "work_queue",
    range: "work_due_at",
    projected: ["user_id", "pipeline", "lease"],
  },
} as const satisfies Record<string, IndexDefinition>;

/** The request that makes the table with all of its indexes. Pure. */
export function tableDefinition(table: string): CreateTableCommandInput {
  const keys = new Set(["project_id", ...Object.values(INDEXES).flatMap(({ hash, range }) => [hash, range])]);
  return {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...keys].map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
    KeySchema: [{ AttributeName: "project_id", KeyType: "HASH" }],
    GlobalSecondaryIndexes: Object.values(INDEXES).map(indexDefinition),
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
      NonKeyAttributes: projected.filter((field) => field !== hash && field !== range),
    },
  };
}

/**
 * Makes the table, or adds the indexes that an older one lacks, and waits until it can be used.
 * Errors: STORE_UNAVAILABLE when it does not become active, or its key is another one.
 */
export async function ensureTable(
  client: DynamoDBClient,
  table: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<{ readonly created: boolean; readonly added: readonly string[] }> {
  const deadline = Date.now() + (options.timeoutMs ?? 600_000);
  if ((await describe(client, table)) === undefined) {
    await createTable(client, table);
    await active(client, table, deadline);
    return { created: true, added: [] };
  }
  const added: string[] = [];
  for (const index of Object.values(INDEXES)) {
    const description = await active(client, table, deadline);
    checkKey(description.KeySchema, table);
    if (description.GlobalSecondaryIndexes?.some((known) => known.IndexName === index.name)) continue;
    await client.send(
      new UpdateTableCommand({
        TableName: table,
        AttributeDefinitions: [index.hash, index.range].map((name) => ({
          AttributeName: name,
          AttributeType: "S",
        })),
        GlobalSecondaryIndexUpdates: [{ Create: indexDefinition(index) }],
      }),
    );
    added.push(index.name);
  }
  await active(client, table, deadline);
  return { created: false, added };
}

async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  try {
    await client.send(new CreateTableCommand(tableDefinition(table)));
  } catch (error) {
    // Another process was quicker: the same table.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
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
    if (Date.now() > deadline)
      throw new StagefoldError("STORE_UNAVAILABLE", `The table ${table} did not become active in time.`, {
        retry_after: 30,
      });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function checkKey(
  schema: readonly { AttributeName?: string | undefined; KeyType?: string | undefined }[] | undefined,
  table: string,
): void {
  const keys = (schema ?? []).map((key) => `${key.AttributeName} ${key.KeyType}`);
  if (keys.length === 1 && keys[0] === "project_id HASH") return;
  throw new StagefoldError(
    "STORE_UNAVAILABLE",
    `The table ${table} must have the key project_id alone; it has ${keys.join(", ")}.`,
    { retry_after: 60 },
  );
}
