import type { z } from "zod";
import { StagefoldError } from "../errors.ts";

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
