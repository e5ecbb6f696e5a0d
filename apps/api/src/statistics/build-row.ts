import { type BuildSummary, type Item, type ProjectStatus, summaryOfRow } from "@stagefold/core";

/** What statistics need of a build. */
export interface BuildRow {
  readonly project_id: string;
  readonly status: ProjectStatus;
  readonly created_at: string;
  readonly started_at?: string | undefined;
  readonly completed_at?: string | undefined;
  readonly error_info?: { readonly stage?: string | undefined } | undefined;
  readonly build_summary?: SummaryTotals | undefined;
}

type SummaryTotals = Pick<BuildSummary, "stage_seconds" | "input_tokens" | "output_tokens" | "tool_calls">;

/** The fields of an index row that it is made of; the status is the row's partition. */
export const BUILD_ROW_FIELDS = [
  "created_at",
  "started_at",
  "completed_at",
  "error_info",
  "build_summary",
] as const;

/** From an index row of any age, or from a project. */
export function buildRowOf(row: Item, status: ProjectStatus): BuildRow {
  const { project_id, created_at, started_at, completed_at, error_info, build_summary } = row;
  // Looked at by hand, because a question may take thousands of rows: a schema takes ten times as long.
  if (
    typeof project_id === "string" &&
    isTime(created_at) &&
    (started_at === undefined || isTime(started_at)) &&
    (completed_at === undefined || isTime(completed_at)) &&
    (error_info === undefined || isError(error_info)) &&
    (build_summary === undefined || isSummary(build_summary))
  )
    return { project_id, status, created_at, started_at, completed_at, error_info, build_summary };
  return summaryOfRow({ ...row, status });
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

function isTime(value: unknown): value is string {
  return typeof value === "string" && TIME.test(value) && Number.isFinite(Date.parse(value));
}

function isError(value: unknown): value is { readonly stage?: string } {
  return isMap(value) && (value.stage === undefined || typeof value.stage === "string");
}

function isSummary(value: unknown): value is SummaryTotals {
  if (!isMap(value) || !isMap(value.stage_seconds)) return false;
  const { stage_seconds, input_tokens, output_tokens, tool_calls } = value;
  return [...Object.values(stage_seconds), input_tokens, output_tokens, tool_calls].every(Number.isFinite);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
