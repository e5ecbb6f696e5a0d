import { isDeepStrictEqual } from "node:util";
import { type Item, itemBytes, valueBytes } from "@stagefold/core";
import { INDEXES, RECORD_INDEXES } from "@stagefold/core/dynamodb";

/** What Amazon bills as one unit of a write, in bytes. */
const UNIT = 1024;

/** An index as far as its cost goes; without `projected` it carries everything. */
export interface IndexCost {
  readonly hash: string;
  readonly range: string;
  readonly projected?: readonly string[];
}

/** The indexes of the table that Stagefold replaces. */
export const OLD_INDEXES: readonly IndexCost[] = [
  { hash: "user_id", range: "created_at" },
  { hash: "status", range: "created_at" },
];

/**
 * Write units of one write, by the item before and after: its whole size, and for every index whose entry changed
 * the size of that entry, twice where its key changed (the old entry goes, the new one comes).
 * Source: "Best practices for using secondary indexes", Amazon DynamoDB Developer Guide.
 */
export function writeUnits(
  before: Item | undefined,
  after: Item | undefined,
  indexes: readonly IndexCost[] = isRecord(before ?? after) ? RECORD_INDEXES : Object.values(INDEXES),
): number {
  const size = Math.max(before ? itemBytes(before) : 0, after ? itemBytes(after) : 0);
  const table = Math.max(1, Math.ceil(size / UNIT));
  return indexes.reduce((units, index) => units + indexUnits(index, before, after), table);
}

/** Of the records' table: what is no build. */
function isRecord(item: Item | undefined): boolean {
  return item?.pk !== undefined;
}

function indexUnits(index: IndexCost, before: Item | undefined, after: Item | undefined): number {
  const old = entryOf(index, before);
  const now = entryOf(index, after);
  // Engines give the fields of a map in any order.
  if (isDeepStrictEqual(old, now)) return 0;
  const units = (entry: Item | undefined) => (entry ? Math.max(1, Math.ceil(valueBytes(entry) / UNIT)) : 0);
  const sameKey = old && now && old[index.hash] === now[index.hash] && old[index.range] === now[index.range];
  return sameKey ? Math.max(units(old), units(now)) : units(old) + units(now);
}

/** The row of an index, or undefined when the item lacks one of its keys. */
function entryOf(index: IndexCost, item: Item | undefined): Item | undefined {
  if (!item || item[index.hash] === undefined || item[index.range] === undefined) return undefined;
  if (!index.projected) return item;
  const fields = ["project_id", "pk", "sk", index.hash, index.range, ...index.projected];
  return Object.fromEntries(
    fields.flatMap((field) => (item[field] === undefined ? [] : [[field, item[field]] as const])),
  );
}
