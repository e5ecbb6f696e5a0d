import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { TABLE } from "../measure/engine.ts";
import { artifactPaths, logLines, outputOf, STAGES } from "../workload/contents.ts";
import { newItem, newStages } from "./item.ts";

/**
 * What one writes without Stagefold: one item, and two bare UpdateItem calls for each stage, its start and its end; one
 * more takes the build. No leases that run out, no guards but that the item is there, no refusals to decide again.
 */
export async function putRaw(documents: DynamoDBDocumentClient, id: string): Promise<void> {
  const stages = newStages();
  const Item = newItem(id, { total: stages.length, completed: 0, stages });
  await documents.send(new PutCommand({ TableName: TABLE, Item }));
}

export async function buildRaw(documents: DynamoDBDocumentClient, id: string): Promise<void> {
  await update(documents, id, "#status = :status, started_at = :at", { ":status": "building" });
  for (const [i, stage] of STAGES.entries()) {
    const at = `stages_snapshot.stages[${i}]`;
    await update(documents, id, `${at}.#status = :status, ${at}.started_at = :at, current_stage = :stage`, {
      ":status": "running",
      ":stage": stage,
    });
    const last = i === STAGES.length - 1;
    const end = [
      `${at}.#status = :completed`,
      `${at}.completed_at = :at`,
      `${at}.progress = :hundred`,
      `${at}.logs = :logs`,
      `${at}.output_data = :output`,
      "stages_snapshot.completed = :count",
      "progress_percentage = :percent",
      ...(last ? ["#status = :completed", "completed_at = :at"] : []),
    ];
    await update(documents, id, end.join(", "), {
      ":completed": "completed",
      ":hundred": 100,
      ":logs": logLines(stage),
      ":output": { ...outputOf(stage), artifacts: artifactPaths(stage) },
      ":count": i + 1,
      ":percent": Math.round(((i + 1) / STAGES.length) * 100),
    });
  }
}

async function update(
  documents: DynamoDBDocumentClient,
  id: string,
  sets: string,
  values: Record<string, unknown>,
): Promise<void> {
  await documents.send(
    new UpdateCommand({
      TableName: TABLE,
      Key: { project_id: id },
      UpdateExpression: `SET ${sets}, updated_at = :at`,
      ConditionExpression: "attribute_exists(project_id)",
      ...(sets.includes("#status") && { ExpressionAttributeNames: { "#status": "status" } }),
      ExpressionAttributeValues: { ...values, ":at": new Date().toISOString() },
    }),
  );
}
