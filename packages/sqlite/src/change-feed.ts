import type { ChangeFeed, Item, RowChange, Unsubscribe } from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { lastChange, parseItem } from "./project-store.ts";
import { fromColumn, toColumn } from "./text.ts";

/** How often a feed with subscribers looks whether another process has committed: a microsecond each time. */
const POLL_MS = 20;
const MAX_BACK_OFF_MS = 2000;
/** Work that is due so soon wakes workers too: their clocks need not agree to the millisecond. */
const SOON_MS = 1000;

type ProjectListener = (item: Item | undefined) => void;
type RowsListener = (changes: readonly RowChange[]) => void;

/**
 * What changes in the file, by whichever process: `data_version` says that another one has committed, and the rows
 * above the last seen change number what it was. Commits of this process are looked at on the next turn of the event
 * loop. Without subscribers nothing is read.
 */
export class SqliteChangeFeed implements ChangeFeed {
  readonly #database: Database;
  readonly #onError: (error: unknown) => void;
  readonly #projects = new Map<string, Set<ProjectListener>>();
  readonly #rows = new Set<RowsListener>();
  readonly #work = new Set<() => void>();
  #position = 0;
  #version = 0;
  #timer: NodeJS.Timeout | undefined;
  #committed: NodeJS.Immediate | undefined;
  #stopListening: (() => void) | undefined;
  #backOffMs = 0;

  constructor(database: Database, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  watchProject(projectId: string, listener: ProjectListener): Unsubscribe {
    const own: ProjectListener = (item) => listener(item);
    this.#projects.set(projectId, (this.#projects.get(projectId) ?? new Set()).add(own));
    return this.#subscribed(() => {
      const listeners = this.#projects.get(projectId);
      listeners?.delete(own);
      if (listeners?.size === 0) this.#projects.delete(projectId);
    });
  }

  watchRows(listener: RowsListener): Unsubscribe {
    const own: RowsListener = (changes) => listener(changes);
    this.#rows.add(own);
    return this.#subscribed(() => this.#rows.delete(own));
  }

  watchWork(listener: () => void): Unsubscribe {
    const own = () => listener();
    this.#work.add(own);
    return this.#subscribed(() => this.#work.delete(own));
  }

  close(): void {
    this.#projects.clear();
    this.#rows.clear();
    this.#work.clear();
    this.#rest();
  }

  #subscribed(remove: () => void): Unsubscribe {
    if (this.#stopListening === undefined) this.#begin();
    return () => {
      remove();
      if (this.#projects.size + this.#rows.size + this.#work.size === 0) this.#rest();
    };
  }

  #begin(): void {
    this.#stopListening = this.#database.onCommit(() => {
      this.#committed ??= setImmediate(() => this.#look(true));
    });
    // From here on; a store that does not answer just now is asked again by the first look.
    this.#position = -1;
    this.#look(false);
    this.#timer ??= setTimeout(() => this.#tick(), POLL_MS).unref();
  }

  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#committed);
    this.#committed = undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    this.#look(false);
    // A listener may have ended the last subscription, or begun the first one of a new time.
    if (this.#stopListening === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#tick(), this.#backOffMs || POLL_MS).unref();
  }

  /** Reads what changed since the last look, and tells the subscribers. `own`: this process has committed. */
  #look(own: boolean): void {
    if (own) this.#committed = undefined;
    try {
      const version = this.#database.version();
      if (!own && version === this.#version && this.#position >= 0) return;
      const from = this.#position;
      const position = lastChange(this.#database);
      if (from >= 0 && position > from) this.#tell(from, position);
      this.#position = position;
      this.#version = version;
      this.#backOffMs = 0;
    } catch (error) {
      this.#backOffMs = Math.min(MAX_BACK_OFF_MS, (this.#backOffMs || POLL_MS) * 2);
      this.#onError(error);
    }
  }

  /** Reads everything before it tells anything: a read that fails is repeated as a whole. */
  #tell(from: number, to: number): void {
    const gone = this.#deleted(from, to);
    const items = this.#projects.size > 0 ? this.#changedItems(from, to) : [];
    const rows = this.#rows.size > 0 ? [...this.#changedRows(from, to), ...gone] : [];
    const work = this.#work.size > 0 && this.#hasNewWork(from, to);
    for (const [id, item] of items) this.#tellProject(id, item);
    for (const { project_id } of gone)
      if (!items.some(([id]) => id === project_id)) this.#tellProject(project_id, undefined);
    if (rows.length > 0) for (const listener of [...this.#rows]) this.#call(() => listener(rows));
    if (work) for (const listener of [...this.#work]) this.#call(listener);
  }

  #tellProject(id: string, item: Item | undefined): void {
    for (const listener of [...(this.#projects.get(id) ?? [])]) this.#call(() => listener(item));
  }

  /** A listener that fails is reported and stops no other. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#onError(error);
    }
  }

  #changedItems(from: number, to: number): [string, Item][] {
    const ids = this.#database
      .sql("SELECT project_id FROM projects WHERE change > ? AND change <= ?")
      .all(from, to)
      .map((row) => fromColumn(String(column(row, "project_id"))));
    return ids
      .filter((id) => this.#projects.has(id))
      .flatMap((id): [string, Item][] => {
        const row = this.#database.sql("SELECT item FROM projects WHERE project_id = ?").get(toColumn(id));
        return row === undefined ? [] : [[id, parseItem(column(row, "item"))]];
      });
  }

  #changedRows(from: number, to: number): RowChange[] {
    return this.#database
      .sql(
        `SELECT row FROM projects JOIN listed USING (id)
         WHERE change > ? AND change <= ? AND listed_change > ? ORDER BY listed_change`,
      )
      .all(from, to, from)
      .map((row) => ({ kind: "changed", row: parseItem(column(row, "row")) }));
  }

  #deleted(from: number, to: number): (RowChange & { readonly kind: "deleted" })[] {
    return this.#database
      .sql(
        `SELECT project_id FROM deleted WHERE change > ? AND change <= ?
           AND project_id NOT IN (SELECT project_id FROM projects WHERE projects.project_id = deleted.project_id)`,
      )
      .all(from, to)
      .map((row) => ({ kind: "deleted", project_id: fromColumn(String(column(row, "project_id"))) }));
  }

  #hasNewWork(from: number, to: number): boolean {
    const soon = new Date(Date.now() + SOON_MS).toISOString();
    const row = this.#database
      .sql(
        `SELECT 1 FROM projects WHERE change > ? AND change <= ? AND work_queue IS NOT NULL AND work_due_at <= ? LIMIT 1`,
      )
      .get(from, to, soon);
    return row !== undefined;
  }
}
