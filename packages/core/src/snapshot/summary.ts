import type { Item } from "../patch/patch.ts";
import { normalise } from "./normalise.ts";
import { type Project, type ProjectSummary, projectSummarySchema } from "./schema.ts";

/**
 * One line of a list from an index row, whatever form its item has. A row never fails a page:
 * what cannot be converted is left out.
 */
export function summaryOfRow(row: Item): ProjectSummary {
  const strict = projectSummarySchema.safeParse(row);
  if (strict.success && row.run !== undefined) return strict.data;
  // An older item: its snapshot plays no part in a list, so it is read as if it had none.
  const { stages_snapshot: _s, schema_version: _v, ...fields } = row;
  const { data } = projectSummarySchema.safeParse(normalise(fields));
  if (data) return { ...data, progress_percentage: percentOf(row.progress_percentage) };
  return projectSummarySchema.parse(
    normalise({ project_id: row.project_id, status: row.status, created_at: row.created_at }),
  );
}

export function summaryOf(project: Project): ProjectSummary {
  return projectSummarySchema.parse(project);
}

function percentOf(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= 100 ? value : 0;
}
