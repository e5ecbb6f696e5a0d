import { valueAt } from "../patch/apply.ts";
import { apply, type Item, type Patch } from "../patch/index.ts";
import type {
  DuePosition,
  DueRange,
  DueWork,
  ListPage,
  ListQuery,
  ProjectStore,
  Written,
} from "../ports/project-store.ts";

/** The reference store: what a patch means, without a database. */
export class MemoryProjectStore implements ProjectStore {
  readonly #items = new Map<string, Item>();

  write(patch: Patch): Promise<Written> {
    const before = this.#items.get(patch.project_id);
    const applied = apply(before, patch);
    if (!applied.ok) return Promise.resolve({ ok: false, item: before });
    if (applied.item) this.#items.set(patch.project_id, applied.item);
    else this.#items.delete(patch.project_id);
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
    const rows = [...this.#items.values()].filter((item) => inList(item, query)).sort(newestFirst);
    const { after } = query;
    const rest = after ? rows.filter((item) => newestFirst(item, { ...after }) > 0) : rows;
    return Promise.resolve({ items: rest.slice(0, query.limit), more: rest.length > query.limit });
  }

  due(queue: string, now: string, limit: number, range: DueRange = {}): Promise<readonly DueWork[]> {
    const { since = "", after } = range;
    const rows = [...this.#items.values()].flatMap((item): DueWork[] => {
      const { project_id, work_queue, work_due_at, user_id, pipeline } = item;
      if (typeof project_id !== "string" || work_queue !== queue || typeof work_due_at !== "string")
        return [];
      if (work_due_at > now || work_due_at < since) return [];
      const owner = valueAt(item, ["lease", "owner"]);
      return [
        {
          project_id,
          work_queue: queue,
          work_due_at,
          ...(typeof user_id === "string" && { user_id }),
          ...(typeof pipeline === "string" && { pipeline }),
          lease: typeof owner === "string" ? { owner } : {},
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

function inList(item: Item, query: ListQuery): boolean {
  const created = item.created_at;
  if (typeof created !== "string") return false;
  if (query.since !== undefined && created < query.since) return false;
  if (query.until !== undefined && created >= query.until) return false;
  return (
    (query.user_id === undefined || item.user_id === query.user_id) &&
    (query.status === undefined || item.status === query.status) &&
    (query.agent_id === undefined || item.agent_id === query.agent_id)
  );
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
