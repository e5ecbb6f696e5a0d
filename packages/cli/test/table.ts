import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { canonicalJson, Repository } from "@stagefold/core";
import {
  createDynamoClient,
  DynamoProjectStore,
  ensureTable,
  type RawItem,
  scanRaw,
} from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { startEngine } from "@stagefold/store-testing/engine";
import { run } from "./run.ts";

export const TABLE = "AgentProjects";

/** An engine of its own with an empty table, and the command line on it. */
export async function openTestTable() {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  const engine = await startEngine();
  const client = createDynamoClient({ endpoint: engine.endpoint });
  await ensureTable(client, TABLE);
  const store = new DynamoProjectStore(client, TABLE);
  const { artifacts, logs } = createFileStores(join(dataDir, "files"));
  const env = {
    STAGEFOLD_DATA_DIR: dataDir,
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
  };
  const items = async (table = TABLE) => {
    const all: RawItem[] = [];
    for await (const page of scanRaw(client, table)) all.push(...page);
    return all;
  };
  return {
    dataDir,
    env,
    artifacts,
    logs,
    repository: new Repository({ store, artifacts, logs }),
    stagefold: (...args: string[]) => run(args, env),
    createTable: (input: CreateTableCommandInput) => client.send(new CreateTableCommand(input)),
    put: (item: RawItem, table = TABLE) =>
      client.send(new PutItemCommand({ TableName: table, Item: { ...item } })),
    items,
    /** Every item by its id, as text that is the same for the same item. */
    contents: async () =>
      new Map((await items()).map((item) => [item.project_id?.S ?? "", canonicalJson(item)])),
    tables: async () => (await client.send(new ListTablesCommand())).TableNames ?? [],
    async clear() {
      for (const { project_id } of await items())
        if (project_id) await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { project_id } }));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await engine.close();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export type TestTable = Awaited<ReturnType<typeof openTestTable>>;

const PLAN = { pipeline: "test", pipeline_version: "1", stages: [{ stage: "plan" }, { stage: "make" }] };

/** Builds of the current version: one that waits, one that a worker holds, one that has ended. */
export async function threeBuilds({ repository }: TestTable) {
  const make = (requirement: string) =>
    repository.control.create({ requirement, user_id: "ann", agent_id: "agent_0123456789ab" }, PLAN);
  const [waiting, held, ended] = [await make("等待"), await make("held"), await make("ended")];
  for (const build of [held, ended]) {
    const claim = await repository.work.claim(build.project_id, "worker", build.work_queue);
    if (!claim) throw new Error(`expected to claim ${build.project_id}`);
    const events =
      build === held
        ? [{ event: "started" as const, stage: "plan" }]
        : PLAN.stages.flatMap(({ stage }) => [
            { event: "started" as const, stage },
            { event: "completed" as const, stage, output: { made: 0.1 } },
          ]);
    await repository.work.report({
      project_id: build.project_id,
      lease_token: claim.lease_token,
      lease_seq: claim.lease_seq + 1,
      events,
    });
  }
  return { waiting: waiting.project_id, held: held.project_id, ended: ended.project_id };
}

const STAGES = [
  { name: "requirements_analyzer", display_name: "需求分析", order: 1, status: "completed" },
  { name: "prompt_engineer", display_name: "提示词工程", order: 2, status: "pending" },
];
const text = JSON.stringify({ total: 2, completed: 1, stages: STAGES });

function older(n: number, snapshot: RawItem): RawItem {
  return {
    project_id: { S: `proj_00000000000${n}` },
    project_name: { S: `older ${n}` },
    requirement: { S: "an agent" },
    user_id: { S: "ann" },
    status: { S: "paused" },
    created_at: { S: "2025-09-14T03:59:11.926000Z" },
    updated_at: { S: "2025-09-14T03:59:11.926000Z" },
    agents: { L: [{ S: "agent_0123456789ab" }] },
    ...snapshot,
  };
}

/** Items as older platforms stored them, of every form; the last cannot be read. */
export const OLDER_ITEMS: readonly RawItem[] = [
  older(1, {
    stages_snapshot: {
      M: {
        total: { N: "2" },
        stages: {
          L: STAGES.map(({ name, display_name, order, status }) => ({
            M: {
              name: { S: name },
              display_name: { S: display_name },
              order: { N: String(order) },
              status: { S: status },
            },
          })),
        },
      },
    },
  }),
  older(2, { stages_snapshot: { S: text } }),
  older(3, { stages_snapshot: { S: JSON.stringify(text) } }),
  older(4, { stages_snapshot: { M: {} } }),
  older(5, {}),
  older(6, {
    stages_snapshot: { S: text.slice(0, -3) },
    labels: { SS: ["a", "b"] },
  }),
];
export const DAMAGED = "proj_000000000006";
