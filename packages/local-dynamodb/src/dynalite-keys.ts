import type { TableRecord } from "dynalite/db/index.js";

/**
 * How dynalite 4 lays its one LevelDB out: `table~<table>`, `item-<table>~<key>`, `tag-<table>~…`,
 * `index-<global|local>~<table>~<index>~<key>`. Table and index names never hold a `~`.
 */
export const TABLES = "table~";

export type IndexType = "global" | "local";

export const itemsOf = (table: string): string => `item-${table}~`;
export const tagsOf = (table: string): string => `tag-${table}~`;
export const indexesOf = (type: IndexType, table: string): string => `index-${type}~${table}~`;
export const rowsOf = (type: IndexType, table: string, index: string): string =>
  `${indexesOf(type, table)}${index}~`;

/** Every key that begins with the prefix: all of ours end in `~` and go on in ASCII. */
export function under(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\u00ff` };
}

/** @throws Error when the record is not one of dynalite's: then nothing here may be rewritten. */
export function mustBeTable(value: unknown, key: string): TableRecord {
  if (isTable(value)) return value;
  throw new Error(`expected a table's record at ${key}, found ${JSON.stringify(value)?.slice(0, 200)}`);
}

function isTable(value: unknown): value is TableRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "TableName" in value &&
    typeof value.TableName === "string" &&
    "TableStatus" in value &&
    typeof value.TableStatus === "string" &&
    "KeySchema" in value &&
    Array.isArray(value.KeySchema) &&
    "AttributeDefinitions" in value &&
    Array.isArray(value.AttributeDefinitions)
  );
}
