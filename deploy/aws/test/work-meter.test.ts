import { once } from "node:events";
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { afterAll, beforeAll, expect, it } from "vitest";
import core from "../src/core.json" with { type: "json" };
import { measureWork, metricsLine } from "../src/work-meter/index.mjs";

const NOW = "2026-01-01T00:10:00.000Z";
const engine = dynalite({ createTableMs: 0 });
let client: DynamoDBClient;

beforeAll(async () => {
  engine.listen(0, "127.0.0.1");
  await once(engine, "listening");
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  client = new DynamoDBClient({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${engine.address().port}`,
    credentials,
  });
  const { projects } = core.tables;
  await client.send(
    new CreateTableCommand({
      TableName: "Builds",
      BillingMode: "PAY_PER_REQUEST",
      ...(projects as object),
    } as never),
  );
});

afterAll(() => {
  client.destroy();
  engine.close();
});

it("counts builds that could be claimed, in every queue, and builds that run", async () => {
  const put = (id: string, status: string, queue: string | undefined, due: string) =>
    client.send(
      new PutItemCommand({
        TableName: "Builds",
        Item: {
          project_id: { S: id },
          status: { S: status },
          created_at: { S: NOW },
          ...(queue !== undefined && { work_queue: { S: queue }, work_due_at: { S: due } }),
        },
      }),
    );
  for (const [i, queue] of core.work_queues.entries())
    await put(`due-${i}`, "queued", queue, "2026-01-01T00:00:00.000Z");
  const [queue] = core.work_queues;
  await put("later", "queued", queue, "2026-01-01T00:20:00.000Z");
  await put("held", "building", queue, "2026-01-01T00:11:00.000Z");
  await put("lost", "building", queue, "2026-01-01T00:09:00.000Z");
  await put("of-programs", "queued", "external#p3#00", "2026-01-01T00:00:00.000Z");
  await put("ended", "completed", undefined, "");
  const work = await measureWork(client, { table: "Builds", queues: core.work_queues, now: NOW });
  expect(work).toEqual({ Due: core.work_queues.length + 1, Running: 2, Work: core.work_queues.length + 3 });
  const line = JSON.parse(metricsLine(work, "Builds", 5));
  expect(line).toMatchObject({ Table: "Builds", Due: 11, _aws: { Timestamp: 5 } });
  expect(line._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: "Stagefold", Dimensions: [["Table"]] });
});
