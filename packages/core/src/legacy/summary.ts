import { isStagefoldError } from "../errors.ts";
import type { Item } from "../patch/patch.ts";
import { type Project, type ProjectSummary, projectSummarySchema } from "../snapshot/schema.ts";
import { toTime } from "../snapshot/time.ts";
import { normalise, projectStatusOf } from "./normalise.ts";
import { textOf, timeOf } from "./stage.ts";

/**
 * One line of a list from an index row, whatever form its item has. A row never fails a page:
 * what cannot be converted is left out.
 */
export function summaryOfRow(row: Item): ProjectSummary {
  const strict = projectSummarySchema.safeParse(row);
  if (strict.success && row.run !== undefined) return strict.data;
  // An older item: its snapshot plays no part in a list, so it is read as if it had none.
  const { stages_snapshot: _s, schema_version: _v, ...fields } = row;
  const { data } = projectSummarySchema.safeParse(readable(fields));
  if (data) return { ...data, progress_percentage: percentOf(row.progress_percentage) };
  const project_id = textOf(row.project_id) ?? "";
  return {
    project_id,
    project_name: textOf(row.project_name) ?? project_id,
    status: projectStatusOf(row.status),
    run: 1,
    tags: [],
    priority: 3,
    progress_percentage: percentOf(row.progress_percentage),
    created_at: timeOf(row.created_at) ?? toTime(0),
  };
}

function readable(item: Item): Project | undefined {
  try {
    return normalise(item);
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}

function percentOf(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= 100 ? value : 0;
}
