import type { Item } from "../patch/patch.ts";
import { type ProjectFilter, passesFilter } from "../ports/list-filter.ts";
import { previewOf } from "../snapshot/limits.ts";
import { type ProjectSummary, projectSummarySchema } from "../snapshot/schema.ts";
import { toTime } from "../snapshot/time.ts";
import { normaliseReadable, projectStatusOf } from "./normalise.ts";
import { textOf, timeOf } from "./stage.ts";

/** The top-level fields that a list has, and so what the list indexes project: nothing that changes inside a stage. */
export const LISTED_FIELDS: readonly string[] = Object.keys(projectSummarySchema.shape);

/**
 * One line of a list from an index row, whatever format its item has. A row never fails a page:
 * what cannot be converted is left out.
 */
export function summaryOfRow(stored: Item): ProjectSummary {
  const { requirement } = stored;
  // An index of an older table projects everything, and the beginning of the requirement is not in its items.
  const row =
    typeof requirement === "string" && stored.requirement_preview === undefined
      ? { ...stored, requirement_preview: previewOf(requirement) }
      : stored;
  const strict = projectSummarySchema.safeParse(row);
  if (strict.success && row.run !== undefined) return strict.data;
  // An older item: its snapshot plays no part in a list, so it is read as if it had none.
  const { stages_snapshot: _s, schema_version: _v, ...fields } = row;
  const { data } = projectSummarySchema.safeParse(normaliseReadable(fields));
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

function percentOf(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= 100 ? value : 0;
}

/** The row that a list has of an item: what the indexes project. */
export function listRow(item: Item): Item {
  const { requirement } = item;
  const whole =
    typeof requirement === "string" ? { requirement_preview: previewOf(requirement), ...item } : item;
  const fields = LISTED_FIELDS.map((field) => [field, whole[field]] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

/** What a change feed says of an item: its row, and the revision that tells which of two is later. */
export function feedRow(item: Item): Item {
  return item.revision === undefined ? listRow(item) : { ...listRow(item), revision: item.revision };
}

/** Whether a list with this filter shows the project of a row. An item in a legacy format is listed as it is read. */
export function rowPasses(row: Item, filter: ProjectFilter): boolean {
  if (typeof row.created_at !== "string") return false;
  // An index of an older table projects everything, and has the whole requirement instead of its beginning.
  const asStored = row.run !== undefined && (filter.text === undefined || row.requirement === undefined);
  return passesFilter(asStored ? row : summaryOfRow(row), filter);
}
