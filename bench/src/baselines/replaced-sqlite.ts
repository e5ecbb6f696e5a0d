import { join } from "node:path";
import { connect } from "@stagefold/sqlite";
import type { ReplacedTable } from "./replaced.ts";

/** The replaced way's table in a SQLite file: the item as JSON text, and its two indexes, which carry only their keys. */
export function sqliteTable(folder: string): ReplacedTable {
  const database = connect(join(folder, "replaced.db"));
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS projects (
      project_id TEXT PRIMARY KEY, user_id TEXT, status TEXT, created_at TEXT, item TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS by_user ON projects (user_id, created_at);
    CREATE INDEX IF NOT EXISTS by_status ON projects (status, created_at);
  `);
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const select = database.prepare("SELECT item FROM projects WHERE project_id = ?");
  const replace = database.prepare("INSERT OR REPLACE INTO projects VALUES (?, ?, ?, ?, ?)");
  const get = (id: string): Record<string, unknown> | undefined => {
    const row: unknown = select.get(id);
    return typeof row === "object" && row !== null ? JSON.parse(String(Reflect.get(row, "item"))) : undefined;
  };
  const put = (item: Readonly<Record<string, unknown>>) => {
    const { project_id, user_id, status, created_at } = item;
    replace.run(
      String(project_id),
      String(user_id),
      String(status),
      String(created_at),
      JSON.stringify(item),
    );
  };
  return {
    put,
    get,
    update: (id, fields) => {
      begin.run();
      put({ ...get(id), ...fields });
      commit.run();
    },
    [Symbol.dispose]: () => database.close(),
  };
}
