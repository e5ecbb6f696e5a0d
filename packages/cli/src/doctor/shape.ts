import { type describeTable, INDEXES } from "@stagefold/core/dynamodb";
import type { Finding } from "./findings.ts";

export type Description = NonNullable<Awaited<ReturnType<typeof describeTable>>>;
type Index = NonNullable<Description["GlobalSecondaryIndexes"]>[number];

/** What there is to say of the table's key and indexes, and which indexes it lacks. */
export function shapeOf(description: Description): { findings: Finding[]; missing: string[] } {
  const key = keysOf(description.KeySchema);
  const right = key === "project_id";
  const findings: Finding[] = [
    right
      ? { level: "ok", about: "key", text: "project_id" }
      : { level: "problem", about: "key", text: `expected project_id alone, found ${key || "none"}` },
  ];
  const missing: string[] = [];
  for (const index of Object.values(INDEXES)) {
    const found = description.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === index.name);
    if (found) findings.push({ about: index.name, ...judged(found, index) });
    else missing.push(index.name);
  }
  if (missing.length > 0)
    findings.push({
      level: "note",
      about: "indexes",
      text: `not there yet: ${missing.join(", ")}; the first start on this table adds what is missing`,
    });
  return { findings, missing };
}

function judged(
  found: Index,
  wanted: (typeof INDEXES)[keyof typeof INDEXES],
): Pick<Finding, "level" | "text"> {
  const keys = keysOf(found.KeySchema);
  const right = `${wanted.hash}, ${wanted.range}`;
  if (keys !== right) return { level: "problem", text: `expected it on ${right}, found it on ${keys}` };
  const lacking = lackingOf(found, wanted);
  if (lacking.length > 0)
    return {
      level: "warning",
      text: `does not carry ${lacking.join(", ")}: lists show less. Delete the index; the next start makes it anew`,
    };
  const status = found.IndexStatus;
  if (status !== undefined && status !== "ACTIVE")
    return { level: "note", text: `${right}; ${status.toLowerCase()}` };
  return {
    level: "ok",
    text: found.Projection?.ProjectionType === "ALL" ? `${right}; carries all fields` : right,
  };
}

function lackingOf(
  found: Index,
  { hash, range, projected }: (typeof INDEXES)[keyof typeof INDEXES],
): string[] {
  if (found.Projection?.ProjectionType === "ALL") return [];
  const carried = new Set<string>([hash, range, "project_id", ...(found.Projection?.NonKeyAttributes ?? [])]);
  return projected.filter((field) => !carried.has(field));
}

function keysOf(schema: Description["KeySchema"]): string {
  const sorted = [...(schema ?? [])].sort((a, b) =>
    a.KeyType === b.KeyType ? 0 : a.KeyType === "HASH" ? -1 : 1,
  );
  return sorted.map(({ AttributeName }) => AttributeName).join(", ");
}
