import {
  DEFAULT_POOL,
  type DuePosition,
  EXTERNAL_POOL,
  type ProjectStore,
  workQueues,
} from "@stagefold/core";

/** Rows of one query. */
const PAGE = 1000;
/** Later than any time that is stored. */
const FOREVER = "9999-12-31T23:59:59.999Z";

/** The ids of all projects that the work index has, due or not. */
export async function allWork(store: ProjectStore): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const pool of [DEFAULT_POOL, EXTERNAL_POOL] as const)
    for (const priority of [1, 2, 3, 4, 5])
      for (const queue of workQueues(pool, priority)) await addQueue(ids, store, queue);
  return ids;
}

async function addQueue(ids: Set<string>, store: ProjectStore, queue: string): Promise<void> {
  for (let after: DuePosition | undefined; ; ) {
    const rows = await store.due(queue, FOREVER, PAGE, { after });
    for (const row of rows) ids.add(row.project_id);
    after = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}
