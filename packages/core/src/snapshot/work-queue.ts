/** Parts that a queue is spread over, so that one index partition does not take all its writes. It may only grow. */
export const WORK_SHARDS = 2;
/** Where built-in workers look for work. */
export const DEFAULT_POOL = "agent_builds";
/** Where projects with their own `stages` wait for the programs that run them. */
export const EXTERNAL_POOL = "external";
export type Pool = typeof DEFAULT_POOL | typeof EXTERNAL_POOL;

/** The partition of the work index that a project waits in, e.g. `agent_builds#p3#01`. */
export function workQueueOf(pool: Pool, priority: number, projectId: string): string {
  let hash = 2166136261;
  for (let i = 0; i < projectId.length; i++) hash = Math.imul(hash ^ projectId.charCodeAt(i), 16777619);
  return queueName(pool, priority, (hash >>> 0) % WORK_SHARDS);
}

function queueName(pool: Pool, priority: number, shard: number): string {
  return `${pool}#p${priority}#${String(shard).padStart(2, "0")}`;
}

/** Every partition of a pool for one priority. */
export function workQueues(pool: Pool, priority: number): string[] {
  return Array.from({ length: WORK_SHARDS }, (_, shard) => queueName(pool, priority, shard));
}

/** Stands for the version of a pipeline where an older item names the pipeline alone. */
export const IMPORTED_VERSION = "imported";

/** A project with its own stages has no pipeline version: no pipeline of ours runs it. */
export function poolOf(project: { pipeline_version?: string | undefined }): Pool {
  return project.pipeline_version === undefined ? EXTERNAL_POOL : DEFAULT_POOL;
}
