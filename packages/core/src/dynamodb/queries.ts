import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import type { Item } from "../patch/index.ts";
import type { DueRange, DueWork, ListQuery } from "../ports/project-store.ts";
import { INDEXES } from "./table.ts";

/** One page of a list, newest first. Pure. */
export function listQuery(table: string, query: ListQuery): QueryCommandInput {
  const { index, value } = partitionOf(query);
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
  const { after, fields } = query;
  // The keys come along: without them a page says no place to go on from.
  const needed = fields && [...new Set(["project_id", index.range, ...fields])];
  needed?.forEach((field, i) => {
    names[`#f${i}`] = field;
  });
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: condition,
    ...(needed && { ProjectionExpression: needed.map((_, i) => `#f${i}`).join(", ") }),
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

function justBefore(time: string): string {
  const ms = Date.parse(time);
  return Number.isFinite(ms) ? new Date(ms - 1).toISOString() : time;
}

function partitionOf(query: ListQuery) {
  if (query.user_id !== undefined) return { index: INDEXES.UserIndex, value: query.user_id };
  if (query.agent_id !== undefined) return { index: INDEXES.AgentIndex, value: query.agent_id };
  if (query.status !== undefined) return { index: INDEXES.StatusIndex, value: query.status };
  throw new TypeError("a list needs a user, an agent or a status");
}

/** Due work of one queue, the longest due first. Pure. */
export function dueQuery(
  table: string,
  queue: string,
  now: string,
  limit: number,
  { since, after }: DueRange = {},
): QueryCommandInput {
  const index = INDEXES.WorkIndex;
  const range = since === undefined ? "#range <= :now" : "#range BETWEEN :since AND :now";
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: `#hash = :queue AND ${range}`,
    ExpressionAttributeNames: { "#hash": index.hash, "#range": index.range },
    ExpressionAttributeValues: {
      ":queue": queue,
      ":now": now,
      ...(since !== undefined && { ":since": since }),
    },
    Limit: limit,
    ...(after && {
      ExclusiveStartKey: {
        project_id: after.project_id,
        [index.range]: after.work_due_at,
        [index.hash]: queue,
      },
    }),
  };
}

const dueSchema = z.object({
  project_id: z.string(),
  work_queue: z.string(),
  work_due_at: z.string(),
  user_id: z.string().optional(),
  pipeline: z.string().optional(),
  lease: z.object({ owner: z.string().optional() }).optional(),
});

/** Undefined for a row that is none of ours. */
export function rowToDueWork(row: Item): DueWork | undefined {
  return dueSchema.safeParse(row).data;
}
