import { agentIdOf, cursorsOf, decodeCursor, encodeCursor, type Page } from "@stagefold/core";
import { z } from "zod";

const cursorSchema = z.string().min(1).max(8192);

/** `limit` and `cursor` of every list. */
export function listFields(defaultLimit = 20, maxLimit = 100) {
  return {
    limit: z.number().int().min(1).max(maxLimit).default(defaultLimit),
    cursor: cursorSchema.nullish().transform((cursor) => cursor ?? undefined),
  };
}

/** The answer of every list. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** A page of a list that is in memory already; `list` names it, so that a cursor of another one is refused. */
export function pageOf<T>(
  list: string,
  all: readonly T[],
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Page<T> {
  const place = z.object({ list: z.literal(list), skip: z.number().int().min(0) });
  const { skip } = cursor === undefined ? { skip: 0 } : decodeCursor(cursor, place);
  const end = skip + limit;
  return {
    items: all.slice(skip, end),
    next_cursor: end < all.length ? encodeCursor({ list, skip: end }) : null,
  };
}

interface Paging {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/**
 * A list of builds of an agent. Builds of an older platform have the id that the agent had there, builds of ours its own:
 * by the older one both are found, ours first. `name`: of the list and its filter, so that a cursor of another one is
 * refused.
 */
export async function listOfAgent<T, Id extends string | undefined>(
  name: unknown,
  ref: Id,
  { limit, cursor }: Paging,
  list: (id: string | Id, paging: Paging) => Promise<Page<T>>,
): Promise<Page<T>> {
  const own = ref === undefined ? ref : await agentIdOf(ref);
  if (own === ref || own === undefined) return await list(ref, { limit, cursor });
  const place = z.object({ older: z.boolean(), cursor: z.string().optional() });
  const cursors = await cursorsOf(["both", name], place);
  const at = cursor === undefined ? { older: false } : cursors.decode(cursor);
  const page = await list(at.older ? ref : own, { limit, cursor: at.cursor });
  if (page.next_cursor !== null)
    return { items: page.items, next_cursor: cursors.encode({ older: at.older, cursor: page.next_cursor }) };
  if (at.older) return page;
  const left = limit - page.items.length;
  if (left === 0) return { items: page.items, next_cursor: cursors.encode({ older: true }) };
  const more = await list(ref, { limit: left, cursor: undefined });
  const next = more.next_cursor;
  return {
    items: [...page.items, ...more.items],
    next_cursor: next === null ? null : cursors.encode({ older: true, cursor: next }),
  };
}
