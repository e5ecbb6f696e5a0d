// Counts the work that there is, once a minute, as the queue scanner of a worker sees it. Runs in AWS Lambda.
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";

/** Rows that one count reads at most, in pages of a megabyte: more work than that is as good as endless. */
const MAX_PAGES = 5;

/**
 * @param {DynamoDBClient} client
 * @param {{ table: string, queues: readonly string[], now: string }} options
 * @returns {Promise<{ Due: number, Running: number, Work: number }>} due: builds that a worker could claim now; running: builds held
 */
export async function measureWork(client, { table, queues, now }) {
  const due = await Promise.all(
    queues.map((queue) =>
      count(client, table, "WorkIndex", {
        KeyConditionExpression: "#h = :h AND #r <= :r",
        ExpressionAttributeNames: { "#h": "work_queue", "#r": "work_due_at" },
        ExpressionAttributeValues: { ":h": { S: queue }, ":r": { S: now } },
      }),
    ),
  );
  const Running = await count(client, table, "StatusIndex", {
    KeyConditionExpression: "#h = :h",
    ExpressionAttributeNames: { "#h": "status" },
    ExpressionAttributeValues: { ":h": { S: "building" } },
  });
  const Due = due.reduce((sum, one) => sum + one, 0);
  return { Due, Running, Work: Due + Running };
}

/**
 * @param {DynamoDBClient} client
 * @param {string} TableName
 * @param {string} IndexName
 * @param {object} condition
 */
async function count(client, TableName, IndexName, condition) {
  let rows = 0;
  /** @type {import("@aws-sdk/client-dynamodb").QueryCommandInput["ExclusiveStartKey"]} */
  let ExclusiveStartKey;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    /** @type {import("@aws-sdk/client-dynamodb").QueryCommandInput} */
    const input = { TableName, IndexName, ...condition, Select: "COUNT", ExclusiveStartKey };
    /** @type {import("@aws-sdk/client-dynamodb").QueryCommandOutput} */
    const page = await client.send(new QueryCommand(input));
    rows += page.Count ?? 0;
    ExclusiveStartKey = page.LastEvaluatedKey;
    if (ExclusiveStartKey === undefined) break;
  }
  return rows;
}

/**
 * The line of a log that CloudWatch takes metrics from.
 * @param {{ Due: number, Running: number, Work: number }} work
 * @param {string} table
 * @param {number} Timestamp
 */
export function metricsLine(work, table, Timestamp) {
  const Metrics = Object.keys(work).map((Name) => ({ Name, Unit: "Count" }));
  const CloudWatchMetrics = [{ Namespace: "Stagefold", Dimensions: [["Table"]], Metrics }];
  return JSON.stringify({ _aws: { Timestamp, CloudWatchMetrics }, Table: table, ...work });
}

export async function handler() {
  const { TABLE: table = "", QUEUES = "" } = process.env;
  const client = new DynamoDBClient({});
  const work = await measureWork(client, { table, queues: QUEUES.split(","), now: new Date().toISOString() });
  // biome-ignore lint/suspicious/noConsole: the log of the function is where CloudWatch finds it.
  console.log(metricsLine(work, table, Date.now()));
}
