import { join } from "node:path";
import { DEFAULT_POOL, type ProjectStore, Repository, workQueues } from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore } from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { openSqlite } from "@stagefold/sqlite";
import { inParallel } from "../baselines/pool.ts";
import { TABLE } from "../measure/engine.ts";
import { needsIn, PIPELINE, REQUIREMENT, STAGES } from "./contents.ts";

/** The benchmark's own way to the projects: it queues builds and sees whether they are done. */
export interface Observer extends Disposable {
  readonly repository: Repository;
  readonly store: ProjectStore;
}

/** On the SQLite file of a data folder, beside the processes that are measured. */
export async function openLocalObserver(dataDir: string): Promise<Observer> {
  const sqlite = await openSqlite(dataDir);
  const artifacts = sqlite.artifactsBeside(createFileStores(join(dataDir, "files")).artifacts);
  const { projects: store, logs } = sqlite;
  const repository = new Repository({ store, artifacts, logs });
  return { repository, store, [Symbol.dispose]: () => sqlite.close() };
}

export function openObserver(endpoint: string, dataDir: string): Observer {
  const client = createDynamoClient({ endpoint });
  const store = new DynamoProjectStore(client, TABLE);
  const { artifacts, logs } = createFileStores(join(dataDir, "files"));
  return {
    repository: new Repository({ store, artifacts, logs }),
    store,
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** Queues builds of the workload and answers with their ids. */
export async function queueBuilds(
  { repository }: Observer,
  count: number,
  pipeline: string = PIPELINE,
): Promise<string[]> {
  const ids: string[] = [];
  const plan = {
    pipeline,
    pipeline_version: "bench",
    stages: STAGES.map((stage) => ({ stage, stage_name: `Stage ${stage}`, ...needsIn(pipeline, stage) })),
  };
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE_QUEUED, count - ids.length) }, () =>
      repository.control.create({ requirement: REQUIREMENT, user_id: "bench" }, plan),
    );
    for (const { project_id } of await Promise.all(some)) ids.push(project_id);
  }
  return ids;
}

const AT_ONCE_QUEUED = 16;
/** Often enough for a figure, seldom enough to cost it nothing. */
const LOOK_EVERY_MS = 50;

/** Resolves when no build waits or runs: then nothing is left in the index of work. Throws after `withinMs`. */
export async function untilNoWork({ store }: Observer, withinMs: number): Promise<void> {
  const queues = workQueues(DEFAULT_POOL, 3);
  // The first queue with something in it answers: what is measured is not to be slowed by those who look.
  const idle = async () => {
    for (const queue of queues) if ((await store.due(queue, "9999", 1)).length > 0) return false;
    return true;
  };
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    if (await idle()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`Expected all builds to be done within ${withinMs / 1000} s; some are not.`);
}

/** Throws unless every build has completed with all that the workload makes. */
export async function requireBuilt({ repository }: Observer, ids: readonly string[]): Promise<void> {
  await inParallel(ids, AT_ONCE_QUEUED, async (id) => {
    const project = await repository.get(id);
    const made = project.stages_snapshot.stages.flatMap((stage) => stage.output_data.artifacts).length;
    if (project.status !== "completed" || made !== STAGES.length * 3)
      throw new Error(
        `Expected ${id} completed with ${STAGES.length * 3} artifacts; it is ${project.status} with ${made}.`,
      );
  });
}
