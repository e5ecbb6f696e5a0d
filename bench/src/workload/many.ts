import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { newProject, summarise, withOwnCount } from "@stagefold/core";
import { tableDefinition } from "@stagefold/core/dynamodb";
import { ENGINES, importIntoDynoxide } from "@stagefold/store-testing/engine";
import { bareDocuments } from "../baselines/documents.ts";
import { inParallel } from "../baselines/pool.ts";
import { type Engine, startEngine, TABLE } from "../measure/engine.ts";
import { REQUIREMENT } from "./contents.ts";

/** What one BatchWriteItem takes. */
const BATCH = 25;
/** Projects of one file of an import. */
const FILE = 20_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS = 365;

/** An engine with so many projects that ended, spread over the last year. */
export async function startWithProjects(projects: number): Promise<Engine> {
  const items = endedProjects(Date.now());
  const imported = ENGINES.includes("dynoxide");
  const engine = await startEngine(
    imported ? { prepare: (folder) => importProjects(folder, projects, items) } : {},
  );
  try {
    if (!imported) await putProjects(engine.endpoint, projects, items);
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** The way that takes a minute less for a hundred thousand, where there is an engine that knows it. */
async function importProjects(
  engineFolder: string,
  projects: number,
  item: (n: number) => string,
): Promise<void> {
  const source = await mkdtemp(join(tmpdir(), "stagefold-bench-import-"));
  try {
    const schema = join(source, "schema.json");
    await writeFile(schema, JSON.stringify({ Table: { ...tableDefinition(TABLE), TableStatus: "ACTIVE" } }));
    const folder = join(source, "export", TABLE, "data");
    await mkdir(folder, { recursive: true });
    for (let from = 0; from < projects; from += FILE) {
      const count = Math.min(FILE, projects - from);
      const lines = Array.from({ length: count }, (_, i) => `{"Item":${item(from + i)}}\n`).join("");
      await writeFile(join(folder, `${from}.json.gz`), await promisify(gzip)(lines, { level: 1 }));
    }
    await importIntoDynoxide(engineFolder, join(source, "export"), schema);
  } finally {
    await rm(source, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function putProjects(endpoint: string, projects: number, item: (n: number) => string): Promise<void> {
  const documents = bareDocuments(endpoint);
  const starts = Array.from({ length: Math.ceil(projects / BATCH) }, (_, i) => i * BATCH);
  await inParallel(starts.map(String), 4, async (start) => {
    const count = Math.min(BATCH, projects - Number(start));
    const requests = Array.from({ length: count }, (_, i) => ({
      PutRequest: { Item: unmarshall(JSON.parse(item(Number(start) + i))) },
    }));
    const { UnprocessedItems } = await documents.send(
      new BatchWriteCommand({ RequestItems: { [TABLE]: requests } }),
    );
    const left = UnprocessedItems?.[TABLE]?.length ?? 0;
    if (left > 0) throw new Error(`expected the engine to take ${count} items; ${left} are left`);
  });
  documents.destroy();
}

const PLACES = { id: "@id@", name: "@name@", created: "@created@", completed: "@completed@" };

/** The project of each number as DynamoDB writes it: every tenth one failed. */
function endedProjects(now: number): (n: number) => string {
  const completed = JSON.stringify(marshall(template("completed", now)));
  const failed = JSON.stringify(marshall(template("failed", now)));
  return (n) => {
    // In another order than their numbers, and each at a time of its own.
    const created = now - (((n * 7919) % 100_003) / 100_003) * DAYS * DAY_MS;
    return (n % 10 === 0 ? failed : completed)
      .replaceAll(PLACES.id, `proj_${n.toString(16).padStart(12, "0")}`)
      .replaceAll(PLACES.name, `Project ${n}`)
      .replaceAll(PLACES.created, new Date(created).toISOString())
      .replaceAll(PLACES.completed, new Date(created + 60_000 + (n % 600) * 1000).toISOString());
  };
}

function template(status: "completed" | "failed", now: number) {
  const given = {
    project_id: PLACES.id,
    requirement: REQUIREMENT,
    project_name: PLACES.name,
    pipeline: "agent-build",
    pipeline_version: "bench",
    tags: [],
    priority: 3,
    stages: [{ stage: "one" }, { stage: "two" }],
  };
  const { work_queue: _q, work_due_at: _d, ...queued } = newProject(given, new Date(now).toISOString());
  const [created_at, completed_at] = [PLACES.created, PLACES.completed];
  const stages = queued.stages_snapshot.stages.map((stage) => ({
    ...stage,
    status: "completed",
    attempt: 1,
    progress: 100,
    started_at: created_at,
    completed_at,
    duration_seconds: 30,
  }));
  return {
    ...queued,
    status,
    ...(status === "failed" && { error_info: { stage: "two", code: "STAGE_FAILED", message: "It failed." } }),
    created_at,
    updated_at: completed_at,
    started_at: created_at,
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
