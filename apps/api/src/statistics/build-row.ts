import {
  type BuildSummary,
  type Item,
  type ProjectStatus,
  type ProjectSummary,
  secondsBetween,
  summaryOfRow,
} from "@stagefold/core";

/** What statistics need of a build. */
export interface BuildRow {
  readonly project_id: string;
  readonly status: ProjectStatus;
  readonly created_at: string;
  readonly pipeline?: string | undefined;
  readonly user_id?: string | undefined;
  readonly user_name?: string | undefined;
  /** From its creation to its first start. */
  readonly queue_seconds?: number | undefined;
  /** How long its stages ran. Undefined where nothing says so, or what says so cannot be. */
  readonly active_seconds?: number | undefined;
  readonly error_info?: { readonly stage?: string | undefined } | undefined;
  readonly build_summary?: SummaryTotals | undefined;
}

type SummaryTotals = Pick<
  BuildSummary,
  "stage_seconds" | "input_tokens" | "output_tokens" | "tool_calls" | "cost_usd"
>;

/** The fields of an index row that it is made of; the status is known from the query. */
export const BUILD_ROW_FIELDS = [
  "created_at",
  "pipeline",
  "user_id",
  "user_name",
  "started_at",
  "completed_at",
  "error_info",
  "build_summary",
] as const;

/** From an index row of any age, or from a project. */
export function buildRowOf(row: Item, status: ProjectStatus): BuildRow {
  const fields = isCurrent(row) ? row : summaryOfRow({ ...row, status });
  const { project_id, created_at, pipeline, user_id, user_name, error_info, build_summary } = fields;
  return {
    project_id,
    status,
    created_at,
    pipeline,
    user_id,
    user_name,
    queue_seconds: queueSeconds(fields),
    active_seconds: activeSeconds(fields),
    error_info,
    build_summary: build_summary && totalsOf(build_summary),
  };
}

/** Without numbers that no stage can have had. */
function totalsOf(summary: SummaryTotals): SummaryTotals {
  const { stage_seconds, input_tokens, output_tokens, tool_calls, cost_usd = 0 } = summary;
  if ([...Object.values(stage_seconds), input_tokens, output_tokens, tool_calls, cost_usd].every(isAmount))
    return summary;
  const count = (number: number) => (isAmount(number) ? number : 0);
  return {
    stage_seconds: Object.fromEntries(
      Object.entries(stage_seconds).filter(([, seconds]) => isAmount(seconds)),
    ),
    input_tokens: count(input_tokens),
    output_tokens: count(output_tokens),
    tool_calls: count(tool_calls),
    cost_usd: count(cost_usd),
  };
}

/** Builds that were imported, or whose clocks differ, may have begun before they were created. */
function queueSeconds({ created_at, started_at }: Fields): number | undefined {
  if (started_at === undefined) return undefined;
  const seconds = secondsBetween(created_at, started_at);
  return isAmount(seconds) ? seconds : undefined;
}

/**
 * The time that the stages took. From start to completion is only a fallback: a build that is retried months later
 * completes months after its first start.
 */
function activeSeconds({ started_at, created_at, completed_at, build_summary }: Fields): number | undefined {
  const recorded: unknown = build_summary && Reflect.get(build_summary, "active_seconds");
  if (isAmount(recorded)) return recorded;
  const stages = Object.values(build_summary?.stage_seconds ?? {}).filter(isAmount);
  if (stages.length > 0) return stages.reduce((sum, seconds) => sum + seconds, 0);
  if (completed_at === undefined) return undefined;
  const seconds = secondsBetween(started_at ?? created_at, completed_at);
  return isAmount(seconds) ? seconds : undefined;
}

/** Beyond it a sum over many builds would not be exact. */
const MAX_AMOUNT = 1e12;

/** Clocks that differ, and imports, also bring durations and numbers that cannot be. */
function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_AMOUNT;
}

type Fields = Pick<
  ProjectSummary,
  | "project_id"
  | "created_at"
  | "pipeline"
  | "user_id"
  | "user_name"
  | "started_at"
  | "completed_at"
  | "error_info"
> & { readonly build_summary?: SummaryTotals | undefined };

/** Looked at by hand, because a question may take thousands of rows: a schema takes ten times as long. */
function isCurrent(row: Item): row is Item & Fields {
  const { project_id, created_at, pipeline, user_id, user_name } = row;
  const { started_at, completed_at, error_info, build_summary } = row;
  return (
    typeof project_id === "string" &&
    isTime(created_at) &&
    [pipeline, user_id, user_name].every((text) => text === undefined || typeof text === "string") &&
    (started_at === undefined || isTime(started_at)) &&
    (completed_at === undefined || isTime(completed_at)) &&
    (error_info === undefined || isError(error_info)) &&
    (build_summary === undefined || isSummary(build_summary))
  );
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
