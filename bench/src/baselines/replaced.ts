import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { TABLE } from "../measure/engine.ts";
import { artifactPaths, logLines, outputOf, STAGES } from "../workload/contents.ts";
import { newItem, newStages } from "./item.ts";

/**
 * The way that Stagefold replaces: each change of a stage reads the whole item, writes all stages as JSON text, reads
 * again, and writes the progress. Its table has two indexes that carry everything.
 */
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

export async function putReplaced(documents: DynamoDBDocumentClient, id: string): Promise<void> {
  const Item = newItem(id, asText(newStages()));
  await documents.send(new PutCommand({ TableName: TABLE, Item }));
}

export async function buildReplaced(documents: DynamoDBDocumentClient, id: string): Promise<void> {
  await write(documents, id, { status: "building" });
  for (const name of STAGES) {
    await changeStage(documents, id, name, (stage) => {
      stage.status = "running";
      stage.started_at = new Date().toISOString();
    });
    await changeStage(documents, id, name, (stage) => {
      stage.status = "completed";
      stage.completed_at = new Date().toISOString();
      stage.progress = 100;
      stage.logs.push(...logLines(name));
      stage.output_data = { ...outputOf(name), artifacts: artifactPaths(name) };
    });
  }
}

async function changeStage(
  documents: DynamoDBDocumentClient,
  id: string,
  name: string,
  change: (stage: OldStage) => void,
): Promise<void> {
  const stages = await read(documents, id);
  const stage = stages.find((one) => one.stage === name);
  if (!stage) throw new Error(`expected a stage ${name} in ${id}, found none`);
  change(stage);
  await write(documents, id, { stages_snapshot: asText(stages) });
  const completed = (await read(documents, id)).filter((one) => one.status === "completed").length;
  const percent = Math.round((completed / STAGES.length) * 100);
  await write(documents, id, {
    progress_percentage: percent,
    current_stage: name,
    status: percent === 100 ? "completed" : "building",
  });
}

async function read(documents: DynamoDBDocumentClient, id: string): Promise<OldStage[]> {
  const Key = { project_id: id };
  const { Item } = await documents.send(new GetCommand({ TableName: TABLE, Key, ConsistentRead: true }));
  const snapshot: { stages: OldStage[] } = JSON.parse(String(Item?.stages_snapshot));
  return snapshot.stages;
}

async function write(documents: DynamoDBDocumentClient, id: string, fields: Record<string, unknown>) {
  const all = { ...fields, updated_at: new Date().toISOString() };
  const names = Object.keys(all);
  await documents.send(
    new UpdateCommand({
      TableName: TABLE,
      Key: { project_id: id },
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(Object.entries(all).map(([name, v]) => [`:${name}`, v])),
    }),
  );
}

function asText(stages: readonly OldStage[]): string {
  const completed = stages.filter((stage) => stage.status === "completed").length;
  return JSON.stringify({ total: stages.length, completed, stages });
}
