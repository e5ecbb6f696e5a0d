import { preview } from "../ports/storage-key.ts";
import { invalidInput } from "./errors.ts";

/** Where a reader continues: in the chunk of this write, or the first after it, at this byte. */
export interface LogCursor {
  readonly seq: number;
  readonly byte: number;
}

export const BEGINNING: LogCursor = { seq: 0, byte: 0 };

export function formatCursor({ seq, byte }: LogCursor): string {
  return `${seq}:${byte}`;
}

/** Errors: INVALID_INPUT. */
export function parseCursor(text: string): LogCursor {
  const [, seq, byte] = /^(\d{1,16}):(\d{1,16})$/.exec(text) ?? [];
  const cursor = { seq: Number(seq), byte: Number(byte) };
  if (!Number.isSafeInteger(cursor.seq) || !Number.isSafeInteger(cursor.byte))
    throw invalidInput(`cursor: expected one that an earlier page gave, found ${preview(text)}`);
  return cursor;
}
