import type { Page } from "@stagefold/client";
import type { Cli } from "./cli.ts";

/** What the API gives in one page at most. */
const PAGE = 100;

/** What `--limit` takes. */
export const MAX_LIMIT = 1_000_000;

/** `--limit` and `--all` of a command that lists. */
export interface ListOptions {
  readonly limit: number;
  readonly all?: true;
}

interface Paging {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** As much of a list as was asked for. */
export function readList<T>(
  { limit, all }: ListOptions,
  page: (paging: Paging) => Promise<Page<T>>,
): Promise<Page<T>> {
  return readAll(all ? Number.POSITIVE_INFINITY : limit, page);
}

/** Prints a list, and whether it was cut; `none` is said of an empty one. */
export function showList<T>(
  { terminal, json }: Cli,
  { items, next_cursor }: Page<T>,
  lines: (items: readonly T[]) => readonly string[],
  none?: string,
): void {
  if (json) terminal.json({ items, next_cursor });
  else if (items.length > 0) terminal.lines(lines(items));
  else if (none !== undefined) terminal.note(none);
  if (!json && next_cursor !== null) terminal.note("there may be more: --all, or a higher --limit");
}

/** The first `most` of a list, over as many pages as that takes; `next_cursor` is where the rest begins. */
export async function readAll<T>(most: number, page: (paging: Paging) => Promise<Page<T>>): Promise<Page<T>> {
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
