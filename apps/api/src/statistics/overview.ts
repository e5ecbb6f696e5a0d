import { type ProjectStatus, projectStatusSchema, timeSchema } from "@stagefold/core";
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

/** The overview of counted builds. */
export function overviewOf(counts: ReadonlyMap<ProjectStatus, number>, at: string): Overview {
  const of = (status: ProjectStatus) => counts.get(status) ?? 0;
  return {
    total: [...counts.values()].reduce((sum, count) => sum + count, 0),
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
