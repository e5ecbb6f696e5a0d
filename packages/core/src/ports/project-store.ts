import type { Item, Patch } from "../patch/index.ts";
import type { ProjectStatus } from "../snapshot/schema.ts";
import type { LogChunk } from "./artifact-store.ts";

/** Whether a patch took effect. Refused: its guards did not hold for `item`, which is what is there now. */
export type Written =
  | { readonly ok: true; readonly item: Item | undefined }
  | { readonly ok: false; readonly item: Item | undefined };

/** Which projects a list shows, newest first; those of the same millisecond in an order that is the store's own. */
export interface ListQuery {
  readonly user_id?: string | undefined;
  readonly status?: ProjectStatus | undefined;
  readonly agent_id?: string | undefined;
  /** `created_at` from here on (inclusive). */
  readonly since?: string | undefined;
  /** `created_at` before this. */
  readonly until?: string | undefined;
  readonly limit: number;
  /** These fields alone are needed; a store may give more. Their names are those of the index. */
  readonly fields?: readonly string[] | undefined;
  /** From an earlier page of the same list. */
  readonly after?: ListPosition | undefined;
}

/** The last row of a page. */
export interface ListPosition {
  readonly created_at: string;
  readonly project_id: string;
}

/** Rows as the index has them: the projected fields alone, of any age and form. */
export interface ListPage {
  readonly items: readonly Item[];
  /** Whether there is more behind the last row. */
  readonly more: boolean;
}

/** One row of the work index. */
export interface DueWork {
  readonly project_id: string;
  readonly work_queue: string;
  readonly work_due_at: string;
  readonly user_id?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly lease?: { readonly owner?: string | undefined } | undefined;
}

/** One row of the work index, as a place to go on behind; it need not be there any more. */
export interface DuePosition {
  readonly work_due_at: string;
  readonly project_id: string;
}

/** Where among the work of a queue a look begins. */
export interface DueRange {
  /** Due from here on (inclusive). */
  readonly since?: string | undefined;
  /** Behind this row, the last one of an earlier look at the same queue. */
  readonly after?: DuePosition | undefined;
}

/**
 * Keeps the items. One call is one request (a list over all states is one for each state).
 * Unreachable or overloaded: `STORE_UNAVAILABLE`. A patch beyond the store's limits: `SNAPSHOT_TOO_LARGE`.
 */
export interface ProjectStore {
  /**
   * Makes the change if the guards hold; all of it or nothing. `item` is the whole item after or, refused, now.
   * `logs` are lines that the write acknowledges: only for a store with `keepsLogs`, which keeps them in the same
   * transaction. Other log stores get their lines before the write.
   */
  write(patch: Patch, logs?: readonly LogChunk[]): Promise<Written>;
  /** Whether `write` takes log lines along: the log store beside it is in the same database. */
  readonly keepsLogs?: boolean;
  /** The item as it is stored, strongly consistent unless asked otherwise. */
  get(projectId: string, options?: { readonly consistent?: boolean }): Promise<Item | undefined>;
  /** Several items, in any order, without those that are not there. */
  getMany(projectIds: readonly string[]): Promise<readonly Item[]>;
  list(query: ListQuery): Promise<ListPage>;
  /** Work of one queue that is due at `now`, the longest due first. */
  due(queue: string, now: string, limit: number, range?: DueRange): Promise<readonly DueWork[]>;
  /** Answers when the table does; otherwise `STORE_UNAVAILABLE`. */
  ping(): Promise<void>;
}
