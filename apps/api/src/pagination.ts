import { decodeCursor, encodeCursor, type Page } from "@stagefold/core";
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
