import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { TABLE } from "../measure/engine.ts";
import { artifactPaths, logLines, outputOf, STAGES } from "../workload/contents.ts";
import { newItem, newStages } from "./item.ts";

/*
 * The way that Stagefold replaces: each change of a stage reads the whole item, writes all stages as JSON text, reads
 * again, and writes the progress. Its table has two indexes that carry everything.
 */

type Fields = Readonly<Record<string, unknown>>;

/** The three requests that the replaced way makes of a table, on whichever database. */
export interface ReplacedTable extends Disposable {
  put(item: Fields): Promise<void> | void;
  /** Strongly consistent. */
  get(id: string): Promise<Fields | undefined> | Fields | undefined;
  update(id: string, fields: Fields): Promise<void> | void;
}

interface OldStage {
  stage: string;
  stage_number: number;
  stage_name: string;
  status: string;
  progress: number;
  started_at?: string;
  completed_at?: string;
  output_data: Record<string, unknown>;
  logs: string[];
}

export async function createReplacedTable(client: DynamoDBClient): Promise<void> {
  const index = (name: string, hash: string) => ({
    IndexName: name,
    KeySchema: [
      { AttributeName: hash, KeyType: "HASH" as const },
      { AttributeName: "created_at", KeyType: "RANGE" as const },
    ],
    Projection: { ProjectionType: "ALL" as const },
  });
  const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" as const });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["project_id", "user_id", "status", "created_at"].map(attribute),
      KeySchema: [{ AttributeName: "project_id", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [index("UserIndex", "user_id"), index("StatusIndex", "status")],
    }),
  );
}

/** The table on DynamoDB, by bare calls of the SDK. */
export function dynamoTable(documents: DynamoDBDocumentClient): ReplacedTable {
  return {
    put: async (item) => {
      await documents.send(new PutCommand({ TableName: TABLE, Item: { ...item } }));
    },
    get: async (project_id) => {
      const input = { TableName: TABLE, Key: { project_id }, ConsistentRead: true };
      return (await documents.send(new GetCommand(input))).Item;
    },
    update: async (project_id, fields) => {
      const names = Object.keys(fields);
      const values = Object.entries(fields).map(([name, value]) => [`:${name}`, value]);
      await documents.send(
        new UpdateCommand({
          TableName: TABLE,
          Key: { project_id },
          UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: Object.fromEntries(values),
        }),
      );
    },
    [Symbol.dispose]: () => documents.destroy(),
  };
}

export async function putReplaced(table: ReplacedTable, id: string): Promise<void> {
  await table.put(newItem(id, asText(newStages())));
}

export async function buildReplaced(table: ReplacedTable, id: string): Promise<void> {
  await write(table, id, { status: "building" });
  for (const name of STAGES) {
    await changeStage(table, id, name, (stage) => {
      stage.status = "running";
      stage.started_at = new Date().toISOString();
    });
    await changeStage(table, id, name, (stage) => {
      stage.status = "completed";
      stage.completed_at = new Date().toISOString();
      stage.progress = 100;
      stage.logs.push(...logLines(name));
      stage.output_data = { ...outputOf(name), artifacts: artifactPaths(name) };
    });
  }
}

async function changeStage(
  table: ReplacedTable,
  id: string,
  name: string,
  change: (stage: OldStage) => void,
): Promise<void> {
  const stages = await read(table, id);
  const stage = stages.find((one) => one.stage === name);
  if (!stage) throw new Error(`expected a stage ${name} in ${id}, found none`);
  change(stage);
  await write(table, id, { stages_snapshot: asText(stages) });
  const completed = (await read(table, id)).filter((one) => one.status === "completed").length;
  const percent = Math.round((completed / STAGES.length) * 100);
  await write(table, id, {
    progress_percentage: percent,
    current_stage: name,
    status: percent === 100 ? "completed" : "building",
  });
}

async function read(table: ReplacedTable, id: string): Promise<OldStage[]> {
  const snapshot: { stages: OldStage[] } = JSON.parse(String((await table.get(id))?.stages_snapshot));
  return snapshot.stages;
}

async function write(table: ReplacedTable, id: string, fields: Fields): Promise<void> {
  await table.update(id, { ...fields, updated_at: new Date().toISOString() });
}

function asText(stages: readonly OldStage[]): string {
  const completed = stages.filter((stage) => stage.status === "completed").length;
  return JSON.stringify({ total: stages.length, completed, stages });
}
