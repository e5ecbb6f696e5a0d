import {
  PROJECT_STATUSES,
  type ProjectStatus,
  type ProjectStore,
  projectStatusSchema,
  timeSchema,
} from "@stagefold/core";
import { z } from "zod";
import { successRate } from "./figures.ts";

export const overviewSchema = z.object({
  total: z.number(),
  by_status: z.record(projectStatusSchema, z.number()),
  /** Held by a worker, or about to be taken over. */
  running: z.number(),
  /** Completed of those completed or failed, 0 … 1; null where there are none. */
  success_rate: z.number().nullable(),
  /** When this was counted. */
  at: timeSchema,
});

export type Overview = z.output<typeof overviewSchema>;

const ROWS = 1000;

/** Counts the rows of the index by status, page by page. */
export async function countOverview(store: ProjectStore, at: string): Promise<Overview> {
  const counts = await Promise.all(
    PROJECT_STATUSES.map(async (status) => [status, await count(store, status)] as const),
  );
  const by = new Map(counts);
  const of = (status: ProjectStatus) => by.get(status) ?? 0;
  return {
    total: counts.reduce((sum, [, rows]) => sum + rows, 0),
    by_status: {
      pending: of("pending"),
      queued: of("queued"),
      building: of("building"),
      paused: of("paused"),
      completed: of("completed"),
      failed: of("failed"),
      cancelled: of("cancelled"),
    },
    running: of("building"),
    success_rate: successRate(of("completed"), of("failed")),
    at,
  };
}

async function count(store: ProjectStore, status: ProjectStatus): Promise<number> {
  let rows = 0;
  let page = await store.list({ status, limit: ROWS });
  for (;;) {
    rows += page.items.length;
    const last = page.items.at(-1);
    if (!page.more || !last) return rows;
    const after = { created_at: String(last.created_at), project_id: String(last.project_id) };
    page = await store.list({ status, limit: ROWS, after });
  }
}
