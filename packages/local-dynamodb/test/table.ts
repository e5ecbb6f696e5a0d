import {
  type AttributeValue,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { until } from "./tools.ts";

type Item = Record<string, AttributeValue>;

export function clientFor(endpoint: string, maxAttempts = 1): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts,
  });
}

export const TABLE = "Builds";
const INDEXES = {
  StatusIndex: { hash: "status", range: "created_at", project: ["work"] },
  /** Sparse: its keys come, change and go. */
  WorkIndex: { hash: "work_queue", range: "work_due_at", project: [] },
} as const;

export async function createBuildsTable(client: DynamoDBClient): Promise<void> {
  const attributes = ["id", ...Object.values(INDEXES).flatMap(({ hash, range }) => [hash, range])];
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      GlobalSecondaryIndexes: Object.entries(INDEXES).map(([IndexName, { hash, range, project }]) => ({
        IndexName,
        KeySchema: [
          { AttributeName: hash, KeyType: "HASH" },
          { AttributeName: range, KeyType: "RANGE" },
        ],
        Projection:
          project.length === 0
            ? { ProjectionType: "KEYS_ONLY" }
            : { ProjectionType: "INCLUDE", NonKeyAttributes: [...project] },
      })),
    }),
  );
  await until("the table is active", async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: TABLE }));
    return Table?.TableStatus === "ACTIVE";
  });
}

export const STATUSES = ["queued", "building", "completed"] as const;
const QUEUES = ["q0", "q1", "q2", "q3"] as const;

const pick = <T>(from: readonly [T, ...T[]], n: number): T => from[n % from.length] ?? from[0];

export async function put(client: DynamoDBClient, id: string, n: number): Promise<void> {
  await client.send(new PutItemCommand({ TableName: TABLE, Item: itemOf(id, n) }));
}

/** Moves the item from one index key to another, or out of the sparse index. */
export async function move(client: DynamoDBClient, id: string, n: number): Promise<void> {
  const { status, work, work_queue, work_due_at } = itemOf(id, n);
  const queued = work_queue !== undefined && work_due_at !== undefined;
  await client.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: { id: { S: id } },
      UpdateExpression: `SET #s = :s, #w = :w${queued ? ", #q = :q, #d = :d" : " REMOVE #q, #d"}`,
      ExpressionAttributeNames: { "#s": "status", "#w": "work", "#q": "work_queue", "#d": "work_due_at" },
      ExpressionAttributeValues: {
        ":s": status ?? { NULL: true },
        ":w": work ?? { NULL: true },
        ...(queued ? { ":q": work_queue, ":d": work_due_at } : {}),
      },
    }),
  );
}

function itemOf(id: string, n: number): Item {
  return {
    id: { S: id },
    created_at: { S: `2026-01-01T00:00:00.000Z/${id}` },
    status: { S: pick(STATUSES, n) },
    work: { N: String(n) },
    padding: { S: "项目".repeat(200) },
    ...(n % 3 === 2 ? {} : { work_queue: { S: pick(QUEUES, n) }, work_due_at: { S: `2026-01-02/${n}` } }),
  };
}

export async function scan(client: DynamoDBClient): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName: TABLE, ConsistentRead: true })) {
    items.push(...(page.Items ?? []));
  }
  return items;
}

/** What each index holds, by Query over all its partitions, and what the items say that it should hold. */
export async function compareIndexes(
  client: DynamoDBClient,
): Promise<{ held: string[]; expected: string[] }> {
  const items = await scan(client);
  const held = await Promise.all([
    rowsOf(client, "StatusIndex", STATUSES),
    rowsOf(client, "WorkIndex", QUEUES),
  ]);
  const expected = Object.entries(INDEXES).flatMap(([name, { hash, range, project }]) =>
    items
      .filter((item) => item[hash] !== undefined && item[range] !== undefined)
      .map((item) => rowText(name, pickFrom(item, ["id", hash, range, ...project]))),
  );
  return { held: held.flat().sort(), expected: expected.sort() };
}

async function rowsOf(
  client: DynamoDBClient,
  index: keyof typeof INDEXES,
  partitions: readonly string[],
): Promise<string[]> {
  const rows: string[] = [];
  for (const partition of partitions) {
    const query = {
      TableName: TABLE,
      IndexName: index,
      KeyConditionExpression: "#h = :h",
      ExpressionAttributeNames: { "#h": INDEXES[index].hash },
      ExpressionAttributeValues: { ":h": { S: partition } },
    };
    for await (const page of paginateQuery({ client }, query)) {
      rows.push(...(page.Items ?? []).map((item) => rowText(index, item)));
    }
  }
  return rows;
}

function pickFrom(item: Item, names: readonly string[]): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}

function rowText(index: string, item: Item): string {
  return `${index} ${JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
