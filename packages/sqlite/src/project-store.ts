import {
  apply,
  type DueRange,
  type DueWork,
  type Item,
  type ListPage,
  type ListQuery,
  type LogChunk,
  type Patch,
  type ProjectStore,
  type StatusCounts,
  valueAt,
  type Written,
} from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { countProjects, listedColumns, listProjects, sameListed } from "./lists.ts";
import { writeLines } from "./log-store.ts";
import { writeNotes } from "./notes.ts";
import { checkEdits, checkItem, itemText } from "./storable.ts";
import { fromColumn, textOrNull, toColumn } from "./text.ts";

/** Tombstones tell other processes of deletes; one that sleeps for longer than this reads its lists anew. */
const TOMBSTONE_MS = 24 * 60 * 60 * 1000;
/** Items that one statement reads. */
const BATCH = 100;

export interface ScanOptions {
  /** One of so many parts of the items, from 0; without it all of them. */
  readonly segment?: { readonly number: number; readonly of: number };
  readonly pageSize?: number;
  /** Stops between two pages. */
  readonly signal?: AbortSignal;
}

/** How a write ended, for counters. */
export interface WriteEnd {
  readonly kind: Patch["kind"];
  readonly transition: Patch["transition"];
  readonly project_id: string;
  readonly ms: number;
  readonly ok: boolean;
  /** Not ok because a guard did not hold. */
  readonly conditionFailed: boolean;
}

/** The projects in one SQLite file: a write is one short transaction that applies the patch to what is there. */
export class SqliteProjectStore implements ProjectStore {
  readonly keepsLogs = true;
  readonly readsLocally = true;
  readonly #database: Database;
  readonly #onWrite: ((end: WriteEnd) => void) | undefined;

  constructor(database: Database, onWrite?: (end: WriteEnd) => void) {
    this.#database = database;
    this.#onWrite = onWrite;
  }

  async write(patch: Patch, logs: readonly LogChunk[] = []): Promise<Written> {
    const { kind, transition, project_id } = patch;
    const from = performance.now();
    let written: Written | undefined;
    try {
      written = await this.#write(patch, logs);
      return written;
    } finally {
      const [ok, conditionFailed] = [written?.ok === true, written?.ok === false];
      this.#onWrite?.({ kind, transition, project_id, ms: performance.now() - from, ok, conditionFailed });
    }
  }

  async #write(patch: Patch, logs: readonly LogChunk[]): Promise<Written> {
    if (patch.kind === "update") checkEdits(patch.edits);
    if (patch.kind === "put") checkItem(patch.item);
    const { written } = await this.#database.write(() => {
      const written = this.#apply(patch);
      if (written.ok) for (const chunk of logs) writeLines(this.#database, chunk);
      return { written, keep: written.ok };
    });
    return written;
  }

  #apply(patch: Patch): Written {
    const row: unknown = this.#database
      .sql("SELECT id, item FROM projects WHERE project_id = ?")
      .get(toColumn(patch.project_id));
    const before = row === undefined ? undefined : parseItem(column(row, "item"));
    const applied = apply(before, patch);
    if (!applied.ok) return { ok: false, item: before };
    if (applied.item === undefined) {
      this.#delete(Number(column(row, "id")), patch.project_id, before);
      return { ok: true, item: before };
    }
    if (before === undefined) this.#insert(applied.item, patch.project_id);
    else this.#update(Number(column(row, "id")), before, applied.item);
    // As every store does: what the guards leave no doubt of need not be read back.
    return { ok: true, item: (patch.kind === "update" && patch.postImage) || applied.item };
  }

  #insert(item: Item, projectId: string): void {
    const change = this.#nextChange();
    const { lastInsertRowid: id } = this.#database
      .sql(
        `INSERT INTO projects (project_id, change, listed_change, work_queue, work_due_at, pipeline, user_id, lease_owner,
           lease_claims, item)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(toColumn(projectId), change, change, ...workColumns(item), itemText(item));
    this.#setListed(Number(id), item);
    writeNotes(this.#database, Number(id), undefined, item);
  }

  #update(id: number, before: Item, item: Item): void {
    const change = this.#nextChange();
    const text = itemText(item);
    if (sameWork(before, item))
      this.#database.sql("UPDATE projects SET change = ?, item = ? WHERE id = ?").run(change, text, id);
    else
      this.#database
        .sql(
          `UPDATE projects SET change = ?, work_queue = ?, work_due_at = ?, pipeline = ?, user_id = ?, lease_owner = ?,
             lease_claims = ?, item = ? WHERE id = ?`,
        )
        .run(change, ...workColumns(item), text, id);
    writeNotes(this.#database, id, before, item);
    if (sameListed(before, item)) return;
    this.#database.sql("UPDATE projects SET listed_change = ? WHERE id = ?").run(change, id);
    this.#setListed(id, item);
  }

  #setListed(id: number, item: Item): void {
    this.#database
      .sql(
        `INSERT INTO listed (id, project_id, created_at, status, user_id, agent_id, pipeline, search, row)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, status = excluded.status,
           user_id = excluded.user_id, agent_id = excluded.agent_id, pipeline = excluded.pipeline,
           search = excluded.search, row = excluded.row`,
      )
      .run(id, ...listedColumns(item));
  }

  #delete(id: number, projectId: string, item: Item | undefined): void {
    const database = this.#database;
    const change = this.#nextChange();
    const key = toColumn(projectId);
    database.sql("DELETE FROM projects WHERE id = ?").run(id);
    database.sql("DELETE FROM listed WHERE id = ?").run(id);
    writeNotes(database, id, item);
    database.sql("DELETE FROM logs WHERE project_id = ?").run(key);
    database.sql("DELETE FROM deleted WHERE at_ms < ?").run(Date.now() - TOMBSTONE_MS);
    database
      .sql("INSERT INTO deleted (change, project_id, at_ms) VALUES (?, ?, ?)")
      .run(change, key, Date.now());
  }

  /** Within a transaction: one more than any change before. The newest tombstone is never pruned by its own delete. */
  #nextChange(): number {
    return lastChange(this.#database) + 1;
  }

  get(projectId: string): Promise<Item | undefined> {
    return this.#reading(() => {
      const row = this.#database
        .sql("SELECT item FROM projects WHERE project_id = ?")
        .get(toColumn(projectId));
      return row === undefined ? undefined : parseItem(column(row, "item"));
    });
  }

  getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    return this.#reading(() => {
      const keys = [...new Set(projectIds)].map(toColumn);
      const found: Item[] = [];
      for (let from = 0; from < keys.length; from += BATCH) {
        const some = JSON.stringify(keys.slice(from, from + BATCH));
        const rows = this.#database
          .sql("SELECT item FROM projects WHERE project_id IN (SELECT value FROM json_each(?))")
          .all(some);
        found.push(...rows.map((row) => parseItem(column(row, "item"))));
      }
      return found;
    });
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#reading(() => listProjects(this.#database, query));
  }

  counts(): Promise<StatusCounts> {
    return this.#reading(() => countProjects(this.#database));
  }

  due(queue: string, now: string, limit: number, range: DueRange = {}): Promise<readonly DueWork[]> {
    return this.#reading(() => {
      const { pipelines } = range;
      if (pipelines === undefined) return this.#due(queue, now, limit, range, undefined);
      // One look at the index for each: however much other work waits, it is not read.
      const found = [...new Set(pipelines)].flatMap((pipeline) =>
        this.#due(queue, now, limit, range, pipeline),
      );
      return found.sort(longestDueFirst).slice(0, limit);
    });
  }

  #due(queue: string, now: string, limit: number, range: DueRange, pipeline: string | undefined): DueWork[] {
    const { since = "", after } = range;
    const only = pipeline === undefined ? "" : "AND pipeline = ?";
    const statement = this.#database.sql(
      `SELECT project_id, work_queue, work_due_at, user_id, pipeline, lease_owner, lease_claims FROM projects
       WHERE work_queue = ? AND work_due_at >= ? AND work_due_at <= ? AND (work_due_at, project_id) > (?, ?) ${only}
       ORDER BY work_due_at, project_id LIMIT ?`,
    );
    const position = [toColumn(after?.work_due_at ?? ""), toColumn(after?.project_id ?? "")];
    const wanted = pipeline === undefined ? [] : [toColumn(pipeline)];
    return statement.all(toColumn(queue), since, now, ...position, ...wanted, limit).map(dueWork);
  }

  ping(): Promise<void> {
    return this.#reading(() => {
      this.#database.requireFile();
      this.#database.sql("SELECT 1 FROM projects LIMIT 1").get();
    });
  }

  /** Every item, or one of so many parts of them, in the order they were made. What is written meanwhile may be there or not. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<readonly Item[]> {
    const { pageSize = BATCH, segment = { number: 0, of: 1 }, signal } = options;
    for (let after = 0; signal?.aborted !== true; ) {
      const rows = await this.#reading(() =>
        this.#database
          .sql("SELECT id, item FROM projects WHERE id > ? AND id % ? = ? ORDER BY id LIMIT ?")
          .all(after, segment.of, segment.number, pageSize),
      );
      yield rows.map((row) => parseItem(column(row, "item")));
      if (rows.length < pageSize) return;
      after = Number(column(rows.at(-1), "id"));
    }
  }

  async #reading<T>(work: () => T): Promise<T> {
    return this.#database.read(work);
  }
}

/** The number of the last change of any process. */
export function lastChange(database: Database): number {
  const row = database
    .sql(
      `SELECT max(coalesce((SELECT max(change) FROM projects), 0), coalesce((SELECT max(change) FROM deleted), 0)) AS change`,
    )
    .get();
  return Number(column(row, "change"));
}

export function parseItem(text: unknown): Item {
  return JSON.parse(String(text));
}

const WORK_FIELDS = ["work_queue", "work_due_at", "pipeline", "user_id"] as const;

function workColumns(item: Item): (string | number | null)[] {
  const claims = valueAt(item, ["lease", "claims"]);
  return [
    ...WORK_FIELDS.map((field) => textOrNull(item[field])),
    textOrNull(valueAt(item, ["lease", "owner"])),
    typeof claims === "number" && Number.isSafeInteger(claims) ? claims : null,
  ];
}

function sameWork(before: Item, after: Item): boolean {
  return (
    WORK_FIELDS.every((field) => before[field] === after[field]) &&
    valueAt(before, ["lease", "owner"]) === valueAt(after, ["lease", "owner"]) &&
    valueAt(before, ["lease", "claims"]) === valueAt(after, ["lease", "claims"])
  );
}

function longestDueFirst(a: DueWork, b: DueWork): number {
  if (a.work_due_at !== b.work_due_at) return a.work_due_at < b.work_due_at ? -1 : 1;
  return a.project_id < b.project_id ? -1 : 1;
}

function dueWork(row: unknown): DueWork {
  const text = (name: string) => {
    const value = column(row, name);
    return typeof value === "string" ? fromColumn(value) : undefined;
  };
  const [user_id, pipeline, owner] = [text("user_id"), text("pipeline"), text("lease_owner")];
  const claims = column(row, "lease_claims");
  return {
    project_id: text("project_id") ?? "",
    work_queue: text("work_queue") ?? "",
    work_due_at: text("work_due_at") ?? "",
    ...(user_id !== undefined && { user_id }),
    ...(pipeline !== undefined && { pipeline }),
    lease: { ...(owner !== undefined && { owner }), ...(typeof claims === "number" && { claims }) },
  };
}
