import { type Item, type ProjectStatus, projectSummarySchema, summaryOfRow } from "@stagefold/core";
import type { z } from "zod";

const factsSchema = projectSummarySchema.pick({
  project_id: true,
  status: true,
  created_at: true,
  started_at: true,
  completed_at: true,
  error_info: true,
  build_summary: true,
});

/** What statistics need of a build. */
export type BuildFacts = z.output<typeof factsSchema>;

/** The fields of an index row that it is made of; the status is the row's partition. */
export const FACT_FIELDS = [
  "created_at",
  "started_at",
  "completed_at",
  "error_info",
  "build_summary",
] as const;

/** From an index row of any age, or from a project. */
export function factsOf(row: Item, status: ProjectStatus): BuildFacts {
  const whole = { ...row, status };
  const { data } = factsSchema.safeParse(whole);
  return data ?? factsSchema.parse(summaryOfRow(whole));
}
