import type { Item, Patch } from "../patch/index.ts";
import type { ProjectStatus } from "../snapshot/schema.ts";
import type { LogChunk } from "./artifact-store.ts";
import type { ListFilter } from "./list-filter.ts";

/** Whether a patch took effect. Refused: its guards did not hold for `item`, which is what is there now. */
export type Written =
  | { readonly ok: true; readonly item: Item | undefined }
  | { readonly ok: false; readonly item: Item | undefined };

/** Any combination of filters; newest first, those of the same millisecond in an order that is the store's own. */
export interface ListQuery extends ListFilter {
  readonly limit: number;
  /** These fields alone are needed; a store may give more. Their names are those of `LISTED_FIELDS`. */
  readonly fields?: readonly string[] | undefined;
  /** `next` of an earlier page of a query with the same filter; its page size and fields may differ. */
  readonly cursor?: string | undefined;
}

export interface ListPage {
  /** At most `limit` rows that pass the filter (`rowPasses`), of any schema version: see `listRow`. */
  readonly items: readonly Item[];
  /** Opaque; undefined at the end. A page may be short, or empty, before it. */
  readonly next: string | undefined;
}

/** How many projects there are in each state. */
export type StatusCounts = Record<ProjectStatus, number>;

export function noCounts(): StatusCounts {
  return { pending: 0, queued: 0, building: 0, waiting: 0, paused: 0, completed: 0, failed: 0, cancelled: 0 };
}

/** One row of the work index. */
export interface DueWork {
  readonly project_id: string;
  readonly work_queue: string;
  readonly work_due_at: string;
  readonly user_id?: string | undefined;
  readonly pipeline?: string | undefined;
  /** `claims`: in a row without progress. */
  readonly lease?: { readonly owner?: string | undefined; readonly claims?: number | undefined } | undefined;
}

/** One row of the work index, as a place to continue behind; it need not be there any more. */
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
  /**
   * Work of these pipelines alone, at a cost that does not grow with the backlog of others. A store may need several
   * calls to get past very much other work: each continues where the last one ended.
   */
  readonly pipelines?: readonly string[] | undefined;
}

/**
 * Keeps the items. One call is one request, except for lists: see each store.
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
  /** Whether a read costs no request: a command may then read before it writes. */
  readonly readsLocally?: boolean;
  /** The item as it is stored, strongly consistent unless asked otherwise. */
  get(projectId: string, options?: { readonly consistent?: boolean }): Promise<Item | undefined>;
  /** Several items, in any order, without those that are not there; a moment behind unless asked otherwise. */
  getMany(
    projectIds: readonly string[],
    options?: { readonly consistent?: boolean },
  ): Promise<readonly Item[]>;
  /** Errors: INVALID_INPUT for a cursor that the store did not give. */
  list(query: ListQuery): Promise<ListPage>;
  /** How many projects there are in each state, as a list shows it. */
  counts(): Promise<Readonly<StatusCounts>>;
  /** Work of one queue that is due at `now`, the longest due first. */
  due(queue: string, now: string, limit: number, range?: DueRange): Promise<readonly DueWork[]>;
  /** Answers when the table does; otherwise `STORE_UNAVAILABLE`. */
  ping(): Promise<void>;
}
