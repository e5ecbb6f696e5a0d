import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { canonicalJson, sha256Hex } from "../snapshot/ids.ts";

/** A cursor is opaque to callers: JSON in base64url. */
export function encodeCursor(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** Errors: INVALID_INPUT when it is not a cursor of this list. */
export function decodeCursor<T>(cursor: string, schema: z.ZodType<T>): T {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new StagefoldError(
      "INVALID_INPUT",
      "The cursor is not one that this list gave.",
      { issues: ["cursor"] },
      { cause: error },
    );
  }
}

/** The cursors of one list. */
export interface Cursors<T> {
  encode(place: T): string;
  /** Errors: INVALID_INPUT when it is no cursor, or one of another list. */
  decode(cursor: string): T;
}

/** Cursors that are good for one list alone. `list`: its name and filter, any JSON; absent fields are left out. */
export async function cursorsOf<T>(list: unknown, schema: z.ZodType<T>): Promise<Cursors<T>> {
  // A mark to tell lists apart, no proof: a caller may page through whatever it may list.
  const of = (await sha256Hex(canonicalJson(list))).slice(0, 12);
  const whole = z.object({ of: z.literal(of), at: schema });
  return {
    encode: (at) => encodeCursor({ of, at }),
    decode: (cursor) => decodeCursor(cursor, whole).at,
  };
}
