import type { FileHandle } from "node:fs/promises";
import { invalidInput, mapFsErrors, unavailable } from "./errors.ts";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** One line and the byte, counted from the beginning of its frame's lines, at which the next begins. */
export interface StoredLine {
  readonly text: string;
  readonly end: number;
}

/** A JSON string per line: a log line may itself have line breaks, NUL or half a surrogate pair. */
export function encodeLines(lines: readonly string[]): Buffer {
  let text = "";
  for (const line of lines) {
    if (typeof line !== "string") throw invalidInput(`lines: expected strings, found a ${typeof line}`);
    text += `${JSON.stringify(line)}\n`;
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
  handle: FileHandle,
  extent: Extent,
  start: number,
): AsyncGenerator<StoredLine> {
  let dropping = start > 0;
  for await (const { bytes, end } of rawLines(handle, extent, Math.max(0, start - 1))) {
    if (!dropping) yield { text: decode(bytes), end };
    dropping = false;
  }
}

async function* rawLines(
  handle: FileHandle,
  { from, bytes }: Extent,
  start: number,
): AsyncGenerator<{ bytes: Buffer; end: number }> {
  const end = from + bytes;
  let position = from + start;
  let begun: Buffer[] = [];
  while (position < end) {
    const block = await readBlock(handle, position, end);
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

/** Bytes from a position, as many as one reads at once, but none from `end` on. */
export async function readBlock(handle: FileHandle, position: number, end: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(Math.max(0, Math.min(BLOCK_BYTES, end - position)));
  const { bytesRead } = await mapFsErrors("read a log", () => handle.read(block, 0, block.length, position));
  return block.subarray(0, bytesRead);
}

function decode(bytes: Buffer): string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw damaged(error);
  }
  if (typeof value !== "string") throw damaged();
  return value;
}

export function damaged(cause?: unknown): Error {
  return unavailable("A log of the store is damaged: expected a JSON string on every line.", cause);
}
