import { type Item, noteFilterOf, notesOf } from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { toColumn } from "./text.ts";

/**
 * What stages have noted, by name and JSON: lists find builds by it without a look at their items. `id` is that of
 * `projects`.
 */
const SCHEMA = `
CREATE TABLE notes (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (name, value, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notes_id ON notes (id);
`;

/** Within a transaction. A file that was made before there were notes gets those of its items, once. */
export function makeNotes(database: Database): void {
  const there = database.sql("SELECT 1 FROM sqlite_schema WHERE name = 'notes'").get();
  if (there !== undefined) return;
  database.exec(SCHEMA);
  const rows = database.sql(`SELECT id, item FROM projects WHERE instr(item, '"notes":') > 0`);
  for (const row of rows.iterate())
    insert(database, Number(column(row, "id")), rowsOf(JSON.parse(String(column(row, "item")))));
}

/** Within the transaction that writes the item; without an item for one that is deleted. */
export function writeNotes(database: Database, id: number, before: Item | undefined, after?: Item): void {
  const [had, has] = [before ? rowsOf(before) : [], after ? rowsOf(after) : []];
  if (JSON.stringify(had) === JSON.stringify(has)) return;
  if (had.length > 0) database.sql("DELETE FROM notes WHERE id = ?").run(id);
  insert(database, id, has);
}

/** A condition on `id` of a list, and its values. */
export function noteCondition(note: string): { readonly text: string; readonly values: readonly string[] } {
  const { name, values = [] } = noteFilterOf(note);
  const among = values.length === 0 ? "" : ` AND value IN (${values.map(() => "?").join(", ")})`;
  return {
    text: `id IN (SELECT id FROM notes WHERE name = ?${among})`,
    values: [name, ...values].map(toColumn),
  };
}

function insert(database: Database, id: number, rows: readonly (readonly [string, string])[]): void {
  for (const [name, value] of rows)
    database.sql("INSERT OR IGNORE INTO notes (name, value, id) VALUES (?, ?, ?)").run(name, value, id);
}

function rowsOf(item: Item): [string, string][] {
  return notesOf(item).map(([name, json]) => [toColumn(name), toColumn(json)]);
}
