import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { EXTERNAL_POOL } from "@stagefold/core";
import { z } from "zod";
import { bareDocuments } from "../baselines/documents.ts";
import { TABLE } from "../measure/engine.ts";
import { serve } from "../measure/serve.ts";
import { STAGES } from "../workload/contents.ts";
import { openObserver } from "../workload/store.ts";

const argumentSchema = z.object({ endpoint: z.string(), dataDir: z.string() });
const messageSchema = z.object({ rounds: z.number(), calls: z.number() });

/** Compares calls in one process, a batch of each in turn: a read of a project, and a report of progress. */
await serve(async (argument) => {
  const { endpoint, dataDir } = argumentSchema.parse(argument);
  const documents = bareDocuments(endpoint);
  const observer = openObserver(endpoint, dataDir);
  const { repository } = observer;
  const plan = { pipeline: EXTERNAL_POOL, stages: STAGES.map((stage) => ({ stage })) };
  const { project_id } = await repository.control.create({ requirement: "Calls" }, plan);
  const claimed = await repository.work.claim(project_id, "bench");
  if (!claimed) throw new Error("expected to hold the project");
  const { lease_token } = claimed;
  let lease_seq = claimed.lease_seq + 1;
  const report = (event: { event: "started" } | { event: "progress"; progress: number }) =>
    repository.work.report({
      project_id,
      lease_token,
      lease_seq: lease_seq++,
      events: [{ ...event, stage: STAGES[0] }],
    });
  await report({ event: "started" });
  let percent = 0;
  const ours = async () => {
    await repository.get(project_id);
    percent += 0.001;
    await report({ event: "progress", progress: percent });
  };
  const Key = { project_id };
  const bare = async () => {
    await documents.send(new GetCommand({ TableName: TABLE, Key, ConsistentRead: true }));
    await documents.send(
      new UpdateCommand({
        TableName: TABLE,
        Key,
        UpdateExpression: "SET bare_progress = :progress, bare_at = :at",
        ConditionExpression: "attribute_exists(project_id)",
        ExpressionAttributeValues: { ":progress": percent, ":at": new Date().toISOString() },
        ReturnValues: "ALL_NEW",
      }),
    );
  };
  return {
    answer: async (message) => {
      const { rounds, calls } = messageSchema.parse(message);
      const ratios: number[] = [];
      // The first round warms up.
      for (let round = 0; round <= rounds; round++) {
        const ratio = (await cpuOf(ours, calls)) / (await cpuOf(bare, calls));
        if (round > 0) ratios.push(ratio);
      }
      return ratios;
    },
    close: async () => {
      documents.destroy();
      observer[Symbol.dispose]();
    },
  };
});

/** User and system time of this process, in microseconds. */
async function cpuOf(call: () => Promise<void>, calls: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) await call();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
