import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { LISTED_FIELDS } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { DueRange, DueWork, ListQuery } from "../ports/project-store.ts";
import type { ProjectStatus } from "../snapshot/schema.ts";
import { INDEXES } from "./table.ts";

/** One partition of a list's index. */
export interface Partition {
  readonly index: { readonly name: string; readonly hash: string; readonly range: string };
  readonly value: string;
}

/** The rows of one partition, newest first, behind that of `after`. Pure. */
export function partitionQuery(
  table: string,
  { index, value }: Partition,
  query: ListQuery,
  after?: { readonly created_at: string; readonly project_id: string },
): QueryCommandInput {
  const names: Record<string, string> = { "#hash": index.hash };
  const values: Record<string, unknown> = { ":hash": value };
  let condition = "#hash = :hash";
  if (query.since !== undefined || query.until !== undefined) {
    names["#range"] = index.range;
    // One key condition: `until` is not included, and times have millisecond steps.
    values[":since"] = query.since ?? "0";
    values[":until"] = query.until === undefined ? "9999" : justBefore(query.until);
    condition += " AND #range BETWEEN :since AND :until";
  }
  const fields = query.fields && [...new Set([...ALWAYS, ...filterFields(query), ...query.fields])];
  fields?.forEach((field, i) => {
    names[`#f${i}`] = field;
  });
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: condition,
    ...(fields && { ProjectionExpression: fields.map((_, i) => `#f${i}`).join(", ") }),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ScanIndexForward: false,
    Limit: query.limit,
    ...(after && {
      ExclusiveStartKey: {
        project_id: after.project_id,
        [index.range]: after.created_at,
        [index.hash]: value,
      },
    }),
  };
}

/** The place in the list, and what tells current items from those in legacy formats. */
const ALWAYS = ["project_id", "created_at", "status", "run"];

function filterFields({ user_id, agent_id, pipeline, tag, text }: ListQuery): string[] {
  if (text !== undefined) return [...LISTED_FIELDS];
  const given = Object.entries({ user_id, agent_id, pipeline, tags: tag });
  return given.filter(([, value]) => value !== undefined).map(([field]) => field);
}

function justBefore(time: string): string {
  const ms = Date.parse(time);
  return Number.isFinite(ms) ? new Date(ms - 1).toISOString() : time;
}

/**
 * How many rows a state's partition has. Those without `run` have a legacy format: `Count` has the others, `ScannedCount`
 * all. Pure.
 */
export function countQuery(table: string, status: ProjectStatus, from?: Item): QueryCommandInput {
  const { name, hash } = INDEXES.StatusIndex;
  return {
    TableName: table,
    IndexName: name,
    Select: "COUNT",
    KeyConditionExpression: "#hash = :hash",
    FilterExpression: "attribute_exists(#run)",
    ExpressionAttributeNames: { "#hash": hash, "#run": "run" },
    ExpressionAttributeValues: { ":hash": status },
    ...(from && { ExclusiveStartKey: from }),
  };
}

/** Due work of one queue, the longest due first. Pure. */
export function dueQuery(
  table: string,
  queue: string,
  now: string,
  limit: number,
  { since, after, pipelines }: DueRange = {},
): QueryCommandInput {
  const index = INDEXES.WorkIndex;
  const range = since === undefined ? "#range <= :now" : "#range BETWEEN :since AND :now";
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: `#hash = :queue AND ${range}`,
    ExpressionAttributeNames: {
      "#hash": index.hash,
      "#range": index.range,
      ...(pipelines && { "#pipeline": "pipeline" }),
    },
    ExpressionAttributeValues: {
      ":queue": queue,
      ":now": now,
      ...(since !== undefined && { ":since": since }),
      ...Object.fromEntries((pipelines ?? []).map((pipeline, i) => [`:p${i}`, pipeline])),
    },
    // With a filter, Limit is what is looked at: as much as one request can, then.
    ...(pipelines
      ? { FilterExpression: `#pipeline IN (${pipelines.map((_, i) => `:p${i}`).join(", ")})` }
      : { Limit: limit }),
    ...(after && {
      ExclusiveStartKey: {
        project_id: after.project_id,
        [index.range]: after.work_due_at,
        [index.hash]: queue,
      },
    }),
  };
}

const text = z.string().optional().catch(undefined);

/** What else an item of another program has there does not hide its row: the claim decides. */
const dueSchema = z.object({
  project_id: z.string(),
  work_queue: z.string(),
  work_due_at: z.string(),
  user_id: text,
  pipeline: text,
  lease: z
    .object({ owner: text, claims: z.number().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** Undefined for a row that is none of ours. */
export function rowToDueWork(row: Item): DueWork | undefined {
  return dueSchema.safeParse(row).data;
}
