import { type ArtifactInfo, artifactInfoSchema, type Item, timeSchema, toTime } from "@stagefold/core";
import { isMap } from "./dynamo-json.ts";

/** What says which artifact of what it is, and not what it is like. */
const IDENTITY = new Set([
  "artifact_id",
  "project_id",
  "agent_id",
  "stage",
  "stage_name",
  "file_path",
  "path",
  "metadata",
  "created_at",
]);

/** What a row says of its file. Fields that an artifact has none of are kept as they are. */
export function artifactInfoOf(item: Item): ArtifactInfo {
  const created_at = timeOf(item.created_at);
  const metadata = metadataOf(item.metadata);
  const fields: [string, unknown][] = [
    ...(created_at === undefined ? [] : [["created_at", created_at] satisfies [string, unknown]]),
    ...(metadata === undefined ? [] : [["metadata", metadata] satisfies [string, unknown]]),
    ...Object.entries(item).filter(([field, value]) => !IDENTITY.has(field) && value !== null),
  ];
  const whole = artifactInfoSchema.safeParse(Object.fromEntries(fields));
  if (whole.success) return whole.data;
  // Without those whose value is of another type.
  const fitting = fields.filter(
    ([field, value]) => artifactInfoSchema.safeParse(Object.fromEntries([[field, value]])).success,
  );
  return artifactInfoSchema.parse(Object.fromEntries(fitting));
}

function timeOf(value: unknown): string | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? timeSchema.safeParse(toTime(ms)).data : undefined;
}

/** Some writers stored it as JSON text, some as a text of their own. */
function metadataOf(value: unknown): { readonly [field: string]: unknown } | undefined {
  if (isMap(value)) return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") return { value };
  try {
    const parsed: unknown = JSON.parse(value);
    return isMap(parsed) ? parsed : { value: parsed };
  } catch (error) {
    if (error instanceof SyntaxError) return value === "" ? undefined : { value };
    throw error;
  }
}
