import type { LogPage } from "../ports/artifact-store.ts";
import { preview } from "../ports/storage-key.ts";
import type { LogLine } from "../snapshot/log-line.ts";
import { invalidInput } from "./errors.ts";
import { BEGINNING, formatCursor, type LogCursor, parseCursor } from "./log-cursor.ts";
import type { Frame } from "./log-frames.ts";
import { type ByteSource, storedLines } from "./log-lines.ts";

/** A page of very long lines ends early, in UTF-16 units: its lines are held in memory together. */
const PAGE_LENGTH = 4 * 1024 * 1024;

/** What a reader asks for, checked. */
export interface LogQuery {
  readonly from: LogCursor;
  readonly limit: number;
  readonly upTo: number;
}

/** A frame, and where its lines are read. */
export interface PlacedFrame {
  readonly frame: Frame;
  readonly source: ByteSource;
}

/** Errors: INVALID_INPUT. */
export function checkedQuery(options: {
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly upTo: number;
}): LogQuery {
  const { limit, upTo } = options;
  if (!Number.isInteger(limit) || limit < 1)
    throw invalidInput(`limit: expected a number from 1, found ${preview(limit)}`);
  if (Number.isNaN(upTo)) throw invalidInput("upTo: expected a number, found NaN");
  const from = options.cursor === undefined ? BEGINNING : parseCursor(options.cursor);
  return { from, limit, upTo };
}

/** The lines of a page, from frames in any order. */
export async function readPage(
  found: readonly PlacedFrame[],
  { from, limit, upTo }: LogQuery,
): Promise<LogPage> {
  const lines: LogLine[] = [];
  let length = 0;
  let cursor = from;
  for (const { frame, source } of newestOfEach(found)) {
    const { seq } = frame;
    if (seq < from.seq || seq > upTo) continue;
    const start = seq === from.seq ? Math.min(from.byte, frame.bytes) : 0;
    for await (const line of storedLines(source, frame, start)) {
      // One line more than the page takes: it is not the end.
      if (lines.length === limit || length >= PAGE_LENGTH)
        return { lines, cursor: formatCursor(cursor), end: false };
      lines.push(line.line);
      length += line.line.text.length;
      cursor = { seq, byte: line.end };
    }
    cursor = { seq: seq + 1, byte: 0 };
  }
  return { lines, cursor: formatCursor(cursor), end: true };
}

/** In order of their writes. Of a write that was repeated through another process, what was said last counts. */
function newestOfEach(found: readonly PlacedFrame[]): PlacedFrame[] {
  const newest = new Map<number, PlacedFrame>();
  for (const one of found) {
    const other = newest.get(one.frame.seq);
    if (!other || other.frame.at <= one.frame.at) newest.set(one.frame.seq, one);
  }
  return [...newest.values()].sort((a, b) => a.frame.seq - b.frame.seq);
}
