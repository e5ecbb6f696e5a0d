import { itemBytes, type Project } from "@stagefold/core";
import { createDynamoClient } from "@stagefold/core/dynamodb";
import { createReplacedTable } from "../baselines/replaced.ts";
import { type Counted, type CountingProxy, startCountingProxy } from "../counting-proxy.ts";
import { Cleanup } from "../measure/cleanup.ts";
import { startEngine } from "../measure/engine.ts";
import { startProgram } from "../measure/program.ts";
import { startApp } from "../measure/worker-process.ts";
import { AT_ONCE, PIPELINE, STAGES } from "../workload/contents.ts";
import { openObserver, queueBuilds, requireBuilt, untilNoWork } from "../workload/store.ts";
import { OLD_INDEXES } from "../write-units.ts";

/** What builds of the workload asked of the engine, all of them together. */
export interface WorkloadCount {
  /** All that the worker sent while it built: claims, writes, looks for work. */
  readonly requests: number;
  /** Each claim, and each stage's start, log, progress and end. */
  readonly transitions: number;
  /** Those of them that changed what a reader sees. */
  readonly visible_writes: number;
  readonly write_units: number;
  readonly refused: number;
  /** The finished item of one build. */
  readonly item_bytes: number;
}

/** A claim for each build; for each stage its start, its log, its progress, its artifacts and its end. */
const TRANSITIONS_OF_BUILD = 1 + STAGES.length * 2;

/** Counts the workload by a real worker, and the same by the way that Stagefold replaces. */
export async function countWorkload(builds: number): Promise<{
  readonly stagefold: WorkloadCount;
  readonly replaced: { readonly requests: number; readonly write_units: number };
}> {
  const stagefold = await countStagefold(builds);
  return { stagefold, replaced: await countReplaced(Math.min(builds, 32), builds) };
}

/** Counts builds of one of the workload's pipelines. */
export async function countStagefold(builds: number, pipeline = PIPELINE): Promise<WorkloadCount> {
  const { requests, projects } = await buildCounted(builds, [pipeline]);
  const [project] = projects;
  if (!project) throw new Error("expected a build");
  const first = requests.findIndex((one) => one.project_id !== undefined);
  const last = requests.findLastIndex((one) => one.project_id !== undefined);
  // Before the first claim the worker opens the table; after the last write there is nothing left to build.
  const counted = requests.slice(Math.max(0, first - LOOK), last + 1);
  return {
    requests: counted.length,
    transitions: builds * TRANSITIONS_OF_BUILD,
    visible_writes: counted.filter((one) => one.visible).length,
    write_units: sum(counted),
    refused: counted.filter((one) => one.refused).length,
    item_bytes: itemBytes(project),
  };
}

/** Has a worker of its own run so many builds of each pipeline; answers with all that it sent, and what was built. */
export async function buildCounted(
  builds: number,
  pipelines: readonly string[],
): Promise<{ readonly requests: readonly Counted[]; readonly projects: readonly Project[] }> {
  await using cleanup = new Cleanup();
  const engine = await startEngine();
  cleanup.add(() => engine[Symbol.asyncDispose]());
  const observer = openObserver(engine.endpoint, engine.dataDir);
  cleanup.add(() => observer[Symbol.dispose]());
  const ids: string[] = [];
  for (const pipeline of pipelines) ids.push(...(await queueBuilds(observer, builds, pipeline)));
  const proxy = await startCountingProxy(engine.endpoint);
  cleanup.add(() => proxy[Symbol.asyncDispose]());
  const worker = await startApp("worker", {
    endpoint: proxy.endpoint,
    dataDir: engine.dataDir,
    env: { STAGEFOLD_WORKER_CONCURRENCY: String(AT_ONCE) },
  });
  cleanup.add(() => worker[Symbol.asyncDispose]());
  await untilNoWork(observer, 300_000);
  await requireBuilt(observer, ids);
  const projects = await Promise.all(ids.map((id) => observer.repository.get(id)));
  return { requests: proxy.requests, projects };
}

/** Queries of one look for work: it belongs to the first claim. */
const LOOK = 10;

/** Each build costs the same: a few are counted for all. */
export async function countReplaced(counted: number, builds: number) {
  await using cleanup = new Cleanup();
  const engine = await startEngine({ table: false });
  cleanup.add(() => engine[Symbol.asyncDispose]());
  const client = createDynamoClient({ endpoint: engine.endpoint });
  cleanup.add(() => client.destroy());
  await createReplacedTable(client);
  const proxy: CountingProxy = await startCountingProxy(engine.endpoint, OLD_INDEXES);
  cleanup.add(() => proxy[Symbol.asyncDispose]());
  const program = await startProgram("baseline", { endpoint: proxy.endpoint, kind: "replaced" });
  cleanup.add(() => program[Symbol.asyncDispose]());
  const ids = Array.from({ length: counted }, (_, i) => `proj_${String(i).padStart(12, "0")}`);
  await program.ask({ do: "queue", ids });
  const queued = proxy.requests.length;
  await program.ask({ do: "build", ids });
  const { requests } = proxy;
  const of = requests.slice(queued);
  return { requests: (of.length / counted) * builds, write_units: (sum(of) / counted) * builds };
}

export function sum(requests: readonly Counted[]): number {
  return requests.reduce((total, request) => total + request.units, 0);
}
