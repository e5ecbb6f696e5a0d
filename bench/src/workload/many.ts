import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { newProject, summarise, withOwnCount } from "@stagefold/core";
import { inParallel } from "../baselines/pool.ts";
import { TABLE } from "../measure/engine.ts";
import { REQUIREMENT } from "./contents.ts";

/** What one BatchWriteItem takes. */
const BATCH = 25;
const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS = 365;

/** Puts projects that ended, spread over the last year. */
export async function putMany(
  documents: DynamoDBDocumentClient,
  projects: number,
  now = Date.now(),
): Promise<void> {
  const starts = Array.from({ length: Math.ceil(projects / BATCH) }, (_, i) => i * BATCH);
  await inParallel(starts.map(String), 4, async (start) => {
    const numbers = Array.from(
      { length: Math.min(BATCH, projects - Number(start)) },
      (_, i) => Number(start) + i,
    );
    const requests = numbers.map((n) => ({ PutRequest: { Item: endedProject(n, now) } }));
    const { UnprocessedItems } = await documents.send(
      new BatchWriteCommand({ RequestItems: { [TABLE]: requests } }),
    );
    const left = UnprocessedItems?.[TABLE]?.length ?? 0;
    if (left > 0) throw new Error(`expected the engine to take ${numbers.length} items; ${left} are left`);
  });
}

/** The project of this number: every tenth one failed. */
function endedProject(n: number, now: number) {
  // In another order than their numbers, and each at a time of its own.
  const created = new Date(now - (((n * 7919) % 100_003) / 100_003) * DAYS * DAY_MS);
  const at = created.toISOString();
  const completed_at = new Date(created.getTime() + 60_000 + (n % 600) * 1000).toISOString();
  const given = {
    project_id: `proj_${n.toString(16).padStart(12, "0")}`,
    requirement: REQUIREMENT,
    project_name: `Project ${n}`,
    pipeline: "agent-build",
    pipeline_version: "bench",
    tags: [],
    priority: 3,
    stages: [{ stage: "one" }, { stage: "two" }],
  };
  const { work_queue: _q, work_due_at: _d, ...queued } = newProject(given, at);
  const stages = queued.stages_snapshot.stages.map((stage) => ({
    ...stage,
    status: "completed",
    attempt: 1,
    progress: 100,
    started_at: at,
    completed_at,
    duration_seconds: 30,
  }));
  const status = n % 10 === 0 ? "failed" : "completed";
  return {
    ...queued,
    status,
    ...(status === "failed" && { error_info: { stage: "two", code: "STAGE_FAILED", message: "It failed." } }),
    started_at: at,
    completed_at,
    progress_percentage: 100,
    item_bytes: withOwnCount(1000),
    stages_snapshot: { total: 2, completed: 2, stages },
    build_summary: {
      ...summarise([]),
      stage_seconds: { one: 30, two: 30 },
      input_tokens: 100,
      output_tokens: 10,
    },
  };
}
