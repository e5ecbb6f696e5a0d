import { decodeCursor, encodeCursor, type Page } from "@stagefold/core";
import { z } from "zod";

const cursorSchema = z.string().min(1).max(8192);

/** `limit` and `cursor` of every list. */
export function listFields(defaultLimit = 20) {
  return {
    limit: z.number().int().min(1).max(100).default(defaultLimit),
    cursor: cursorSchema.nullish().transform((cursor) => cursor ?? undefined),
  };
}

/** The answer of every list. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

const skipSchema = z.object({ skip: z.number().int().min(0) });

/** A page of a list that is in memory already. */
export function pageOf<T>(all: readonly T[], limit: number, cursor: string | undefined): Page<T> {
  const { skip } = cursor === undefined ? { skip: 0 } : decodeCursor(cursor, skipSchema);
  const end = skip + limit;
  return { items: all.slice(skip, end), next_cursor: end < all.length ? encodeCursor({ skip: end }) : null };
}
