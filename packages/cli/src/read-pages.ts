import type { Page } from "@stagefold/client";

/** What the API gives in one page at most. */
const PAGE = 100;

/** The first `most` of a list, over as many pages as that takes; `next_cursor` is where the rest begins. */
export async function readAll<T>(
  most: number,
  page: (paging: { limit: number; cursor: string | undefined }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const items: T[] = [];
  let cursor: string | undefined;
  while (items.length < most) {
    const next = await page({ limit: Math.min(PAGE, most - items.length), cursor });
    items.push(...next.items);
    if (next.next_cursor === null) return { items, next_cursor: null };
    cursor = next.next_cursor;
  }
  return { items, next_cursor: cursor ?? null };
}
