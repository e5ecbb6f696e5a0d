import {
  type Item,
  type ListQuery,
  PROJECT_STATUSES,
  type ProjectStatus,
  type ProjectStore,
} from "@stagefold/core";

export const DAY_MS = 86_400_000;
/** A day is closed when it is over on every clock. */
const GRACE_MS = 60_000;
const ROWS = 1000;

export const ENDED = ["completed", "failed", "cancelled"] as const satisfies readonly ProjectStatus[];
export const OPEN = PROJECT_STATUSES.filter((status) => !isEnded(status));

export function isEnded(status: ProjectStatus): boolean {
  return ENDED.some((ended) => ended === status);
}

/** The first millisecond of the day (UTC). */
export function dayOf(epochMs: number): number {
  return Math.floor(epochMs / DAY_MS) * DAY_MS;
}

/** The first day that is not closed yet. */
export function liveDay(nowMs: number): number {
  return dayOf(nowMs - GRACE_MS);
}

/** The day that a row's build was created on. */
export function createdDay({ created_at }: { readonly created_at?: unknown }): number {
  return dayOf(Date.parse(String(created_at)));
}

/** Every row of a list, page by page. */
export async function eachRow(
  store: ProjectStore,
  query: Omit<ListQuery, "limit" | "cursor">,
  take: (row: Item) => void,
): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...query, limit: ROWS, cursor });
    page.items.forEach(take);
    cursor = page.next;
    if (cursor === undefined) return;
  }
}
