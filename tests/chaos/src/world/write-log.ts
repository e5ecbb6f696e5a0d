import type { Item } from "@stagefold/core";
import type { Connection } from "@stagefold/sqlite";
import type { Write } from "../net/journal.ts";

/**
 * Every write that a SQLite file took, by whichever process, in its order: triggers add a row in the transaction of the
 * write itself, so that nothing is here that did not happen, and nothing happened that is not here.
 */
export const WRITE_LOG = `
CREATE TABLE chaos_writes (n INTEGER PRIMARY KEY, project_id TEXT, operation TEXT, item TEXT);
CREATE TRIGGER chaos_put AFTER INSERT ON projects BEGIN
  INSERT INTO chaos_writes (project_id, operation, item) VALUES (new.project_id, 'PutItem', new.item); END;
CREATE TRIGGER chaos_update AFTER UPDATE OF item ON projects BEGIN
  INSERT INTO chaos_writes (project_id, operation, item) VALUES (new.project_id, 'UpdateItem', new.item); END;
CREATE TRIGGER chaos_delete AFTER DELETE ON projects BEGIN
  INSERT INTO chaos_writes (project_id, operation, item) VALUES (old.project_id, 'DeleteItem', old.item); END;
`;

/** The writes to each project, in order. */
export function writesOf(database: Connection): Map<string, Write[]> {
  const all = new Map<string, Write[]>();
  for (const row of database
    .prepare("SELECT n, project_id, operation, item FROM chaos_writes ORDER BY n")
    .all()) {
    const item: Item = JSON.parse(row.item);
    const writes = all.get(row.project_id) ?? [];
    const before = writes.findLast((write) => write.operation !== "DeleteItem")?.item;
    const isOwners = before !== undefined && item.lease_seq !== before.lease_seq;
    all.set(row.project_id, writes);
    writes.push({
      operation: row.operation,
      project_id: row.project_id,
      visible: before?.revision !== item.revision,
      token: undefined,
      seq: isOwners ? Number(item.lease_seq) : undefined,
      via: "sqlite",
      sentAt: row.n,
      answeredAt: row.n,
      outcome: "accepted",
      item,
    });
  }
  return all;
}
