import {
  type Item,
  LISTED_FIELDS,
  type ListPage,
  type ListQuery,
  listRow,
  noCounts,
  PROJECT_STATUSES,
  rowPasses,
  StagefoldError,
  type StatusCounts,
  searchedTexts,
  summaryOfRow,
} from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { noteCondition } from "./notes.ts";
import { textOrNull, toColumn } from "./text.ts";

/** Rows that are read one by one, rather than the texts of all rows in their index. */
const FEW = 5000;
/** Rows that one statement reads where SQL alone cannot tell what passes. */
const BATCH = 500;

/** Whether two items have the same row in a list. Fields that a patch leaves alone are the same objects. */
export function sameListed(before: Item, after: Item): boolean {
  return LISTED_FIELDS.every(
    (field) =>
      before[field] === after[field] || JSON.stringify(before[field]) === JSON.stringify(after[field]),
  );
}

/** The columns of `listed` but for its id: an item in a legacy format is found by what it reads as. */
export function listedColumns(item: Item): (string | null)[] {
  const stored = listRow(item);
  const row = { ...stored, revision: item.revision };
  const read: Item = stored.run === undefined ? { ...stored, ...summaryOfRow(stored) } : stored;
  return [
    textOrNull(stored.project_id) ?? "",
    textOrNull(stored.created_at),
    textOrNull(read.status),
    textOrNull(read.user_id),
    textOrNull(read.agent_id),
    textOrNull(read.pipeline),
    searchText(searchedTexts(read).join("\n")),
    JSON.stringify(row),
  ];
}

/** Lower case, as both sides of a search are; SQLite would cut it at a NUL. */
function searchText(text: string): string {
  return text.toLowerCase().replaceAll("\0", "\u0001");
}

/** A page of projects, newest first, by the index that fits the filter best. */
export function listProjects(database: Database, query: ListQuery): ListPage {
  const { limit } = query;
  const exact = query.tag === undefined && query.text === undefined;
  const items: Item[] = [];
  let after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  for (;;) {
    const wanted = exact ? limit + 1 : BATCH;
    const rows = select(database, query, after, wanted);
    for (const row of rows) {
      const passes = exact || rowPasses(row, query);
      if (passes && items.length === limit) return { items, next: after && formatCursor(after) };
      if (passes) items.push(row);
      after = positionOf(row);
    }
    if (rows.length < wanted) return { items, next: undefined };
  }
}

export function countProjects(database: Database): StatusCounts {
  const rows: unknown[] = database
    .sql("SELECT status, count(*) AS projects FROM listed WHERE created_at IS NOT NULL GROUP BY status")
    .all();
  const counts = noCounts();
  for (const row of rows) {
    const status = PROJECT_STATUSES.find((one) => one === column(row, "status"));
    if (status !== undefined) counts[status] = Number(column(row, "projects"));
  }
  return counts;
}

interface Position {
  readonly created_at: string;
  readonly project_id: string;
}

function select(
  database: Database,
  query: ListQuery,
  after: Position | undefined,
  limit: number,
): readonly Item[] {
  const conditions = ["created_at IS NOT NULL"];
  const values: (string | number)[] = [];
  const add = (condition: string, ...given: string[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  if (after) add("(created_at, project_id) < (?, ?)", toColumn(after.created_at), toColumn(after.project_id));
  if (query.since !== undefined) add("created_at >= ?", query.since);
  if (query.until !== undefined) add("created_at < ?", query.until);
  if (query.note !== undefined) {
    const { text, values: given } = noteCondition(query.note);
    add(text, ...given);
  }
  const texts = [query.text, query.tag].filter((one) => one !== undefined);
  // One index finds the rows. A plus keeps SQLite, which knows no figures of this table, from taking another one.
  let indexed = false;
  for (const name of INDEXED) {
    const value = query[name];
    if (value === undefined) continue;
    const byIndex: boolean = !indexed && (texts.length === 0 || hasFew(database, name, value));
    add(`${byIndex ? "" : "+"}${name} = ?`, toColumn(value));
    indexed ||= byIndex;
  }
  // The index of all rows has their texts, tags among them: rows without the text are not read.
  for (const one of texts) add("instr(search, ?) > 0", searchText(one));
  // As one text: thousands of rows, as statistics read them, cost more to hand over one by one than to find. The inner
  // query's order stands, as its LIMIT needs it; an order of the outer one would sort the rows again, at twice the cost.
  const text = `SELECT '[' || group_concat(row, ',') || ']' AS rows FROM
    (SELECT row FROM listed WHERE ${conditions.join(" AND ")} ORDER BY created_at DESC, project_id DESC LIMIT ?)`;
  const rows = column(database.sql(text).get(...values, limit), "rows");
  return rows === null ? [] : JSON.parse(String(rows));
}

/** The columns by which a list is in order, as `listedColumns` took them from the row. */
function positionOf({ created_at, project_id }: Item): Position {
  return { created_at: String(created_at), project_id: typeof project_id === "string" ? project_id : "" };
}

/** Whether so few projects share a value that reading them costs less than a search in the texts of all. */
function hasFew(database: Database, name: (typeof INDEXED)[number], value: string): boolean {
  const counted = database
    .sql(`SELECT count(*) AS rows FROM (SELECT 1 FROM listed WHERE ${name} = ? LIMIT ${FEW})`)
    .get(toColumn(value));
  return Number(column(counted, "rows")) < FEW;
}

/** By how few projects share a value. */
const INDEXED = ["agent_id", "user_id", "status", "pipeline"] as const;

function formatCursor({ created_at, project_id }: Position): string {
  return JSON.stringify([created_at, project_id]);
}

function parseCursor(text: string): Position {
  try {
    const [created_at, project_id]: unknown[] = JSON.parse(text);
    if (typeof created_at === "string" && typeof project_id === "string") return { created_at, project_id };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new StagefoldError("INVALID_INPUT", "The cursor is not one that this list gave.", {
    issues: ["cursor"],
  });
}
