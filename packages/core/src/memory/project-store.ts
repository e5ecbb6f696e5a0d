import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { listRow, rowPasses } from "../legacy/summary.ts";
import { valueAt } from "../patch/apply.ts";
import { apply, type Item, type Patch } from "../patch/index.ts";
import { hasNote } from "../ports/note-filter.ts";
import {
  type DuePosition,
  type DueRange,
  type DueWork,
  type ListPage,
  type ListQuery,
  noCounts,
  type ProjectStore,
  type StatusCounts,
  type Written,
} from "../ports/project-store.ts";
import { PROJECT_STATUSES } from "../snapshot/schema.ts";

export type WriteListener = (projectId: string, item: Item | undefined) => void;

/** The reference store: what a patch means, without a database. */
export class MemoryProjectStore implements ProjectStore {
  readonly readsLocally = true;
  readonly #items = new Map<string, Item>();
  readonly #listeners = new Set<WriteListener>();

  /** Calls the listener after each write that takes effect; `item` is undefined once it is deleted. */
  onWrite(listener: WriteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(patch: Patch): Promise<Written> {
    const before = this.#items.get(patch.project_id);
    const applied = apply(before, patch);
    if (!applied.ok) return Promise.resolve({ ok: false, item: before });
    if (applied.item) this.#items.set(patch.project_id, applied.item);
    else this.#items.delete(patch.project_id);
    for (const listener of this.#listeners) listener(patch.project_id, applied.item);
    return Promise.resolve({ ok: true, item: patch.kind === "delete" ? before : applied.item });
  }

  get(projectId: string): Promise<Item | undefined> {
    return Promise.resolve(this.#items.get(projectId));
  }

  getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    const found = projectIds.map((id) => this.#items.get(id));
    return Promise.resolve(found.filter((item) => item !== undefined));
  }

  list(query: ListQuery): Promise<ListPage> {
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    const { note } = query;
    const rows = [...this.#items.values()]
      .filter((item) => note === undefined || hasNote(item, note))
      .map(listRow)
      .filter((row) => rowPasses(row, query) && (!after || newestFirst(row, after) > 0))
      .sort(newestFirst);
    const items = rows.slice(0, query.limit);
    const next = rows.length > items.length ? encodeCursor(items.at(-1)) : undefined;
    return Promise.resolve({ items, next });
  }

  counts(): Promise<StatusCounts> {
    const rows = [...this.#items.values()].map(listRow);
    const counts = noCounts();
    for (const status of PROJECT_STATUSES)
      counts[status] = rows.filter((row) => rowPasses(row, { status })).length;
    return Promise.resolve(counts);
  }

  due(queue: string, now: string, limit: number, range: DueRange = {}): Promise<readonly DueWork[]> {
    const { since = "", after, pipelines } = range;
    const rows = [...this.#items.values()].flatMap((item): DueWork[] => {
      const { project_id, work_queue, work_due_at, user_id, pipeline } = item;
      if (typeof project_id !== "string" || work_queue !== queue || typeof work_due_at !== "string")
        return [];
      if (work_due_at > now || work_due_at < since) return [];
      if (pipelines && !pipelines.some((wanted) => wanted === pipeline)) return [];
      const owner = valueAt(item, ["lease", "owner"]);
      const claims = valueAt(item, ["lease", "claims"]);
      return [
        {
          project_id,
          work_queue: queue,
          work_due_at,
          ...(typeof user_id === "string" && { user_id }),
          ...(typeof pipeline === "string" && { pipeline }),
          lease: {
            ...(typeof owner === "string" && { owner }),
            ...(typeof claims === "number" && { claims }),
          },
        },
      ];
    });
    const behind = after ? rows.filter((row) => longestDueFirst(row, after) > 0) : rows;
    return Promise.resolve(behind.sort(longestDueFirst).slice(0, limit));
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }
}

const cursorSchema = z.object({ created_at: z.string().min(1), project_id: z.string().min(1) });

function encodeCursor(row: Item | undefined): string | undefined {
  return row && JSON.stringify({ created_at: row.created_at, project_id: row.project_id });
}

function decodeCursor(text: string): z.output<typeof cursorSchema> {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = "The cursor is not one that this list gave.";
    throw new StagefoldError("INVALID_INPUT", message, { issues: ["cursor"] }, { cause: error });
  }
}

function longestDueFirst(a: DuePosition, b: DuePosition): number {
  return compare(a.work_due_at, b.work_due_at) || compare(a.project_id, b.project_id);
}

function newestFirst(a: Item, b: Item): number {
  return -(compare(a.created_at, b.created_at) || compare(a.project_id, b.project_id));
}

function compare(a: unknown, b: unknown): number {
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
