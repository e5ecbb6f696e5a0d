import type { FileHandle } from "node:fs/promises";
import { type LogLine, packLine, type ReportedLine, unpackLine } from "../snapshot/log-line.ts";
import { mapFsErrors, unavailable } from "./errors.ts";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Where bytes are read by their position: a file, or what was fetched of a bucket. */
export interface ByteSource {
  /** As many as it gives at once, but none from `end` on; none at all behind its end. */
  read(position: number, end: number): Promise<Buffer>;
}

/** An open file, read in blocks. */
export function fileSource(handle: FileHandle): ByteSource {
  return {
    async read(position, end) {
      const block = Buffer.allocUnsafe(Math.max(0, Math.min(BLOCK_BYTES, end - position)));
      const { bytesRead } = await mapFsErrors("read a log", () =>
        handle.read(block, 0, block.length, position),
      );
      return block.subarray(0, bytesRead);
    },
  };
}

/** Bytes that are in memory. */
export function bufferSource(bytes: Buffer): ByteSource {
  return { read: (position, end) => Promise.resolve(bytes.subarray(position, end)) };
}

/** One line and the byte, counted from the beginning of its frame's lines, at which the next begins. */
export interface StoredLine {
  readonly line: LogLine;
  readonly end: number;
}

/** A JSON value per line: a log line may itself have line breaks, NUL or half a surrogate pair. */
export function encodeLines(lines: readonly ReportedLine[]): Buffer {
  let text = "";
  for (const line of lines) {
    text += `${JSON.stringify(packLine(line))}\n`;
  }
  return Buffer.from(text);
}

/** Where the lines of a frame lie in a file, in bytes. */
interface Extent {
  readonly from: number;
  readonly bytes: number;
}

/**
 * The lines from the first that begins at byte `start` of the extent or after it. Reading begins one byte earlier and
 * drops what ends there: at a true beginning that is the line break before it, and a made-up position comes to the next
 * line.
 */
export async function* storedLines(
  source: ByteSource,
  extent: Extent,
  start: number,
): AsyncGenerator<StoredLine> {
  let dropping = start > 0;
  for await (const { bytes, end } of rawLines(source, extent, Math.max(0, start - 1))) {
    if (!dropping) yield { line: decode(bytes), end };
    dropping = false;
  }
}

async function* rawLines(
  source: ByteSource,
  { from, bytes }: Extent,
  start: number,
): AsyncGenerator<{ bytes: Buffer; end: number }> {
  const end = from + bytes;
  let position = from + start;
  let begun: Buffer[] = [];
  while (position < end) {
    const block = await source.read(position, end);
    if (block.length === 0) throw damaged();
    let next = 0;
    for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, next)) {
      const rest = block.subarray(next, at);
      next = at + 1;
      yield {
        bytes: begun.length === 0 ? rest : Buffer.concat([...begun, rest]),
        end: position + next - from,
      };
      begun = [];
    }
    if (next < block.length) begun.push(block.subarray(next));
    position += block.length;
  }
  if (begun.length > 0) throw damaged();
}

function decode(bytes: Buffer): LogLine {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw damaged(error);
  }
  const line = unpackLine(value);
  if (line === undefined) throw damaged();
  return line;
}

export function damaged(cause?: unknown): Error {
  return unavailable("A log of the store is damaged: expected a line in JSON on every line.", cause);
}
