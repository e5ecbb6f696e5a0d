import type { FileHandle } from "node:fs/promises";
import { disk, refused, unavailable } from "./errors.ts";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** One line of a chunk and the byte at which the next begins. */
export interface ChunkLine {
  readonly text: string;
  readonly end: number;
}

/** A chunk is a JSON string per line: a log line may itself have line breaks, NUL or half a surrogate pair. */
export function* encodeChunk(lines: readonly string[]): Generator<Uint8Array> {
  let block = "";
  for (const line of lines) {
    if (typeof line !== "string") throw refused(`lines: expected strings, found a ${typeof line}`);
    block += `${JSON.stringify(line)}\n`;
    if (block.length < BLOCK_BYTES) continue;
    yield Buffer.from(block);
    block = "";
  }
  yield Buffer.from(block);
}

/**
 * The lines from the first that begins at byte `from` or after it. Reading begins one byte earlier and drops what
 * ends there: at a true beginning that is the line break before it, and a made-up position comes to the next line.
 */
export async function* chunkLines(handle: FileHandle, from: number): AsyncGenerator<ChunkLine> {
  let dropping = from > 0;
  for await (const { bytes, end } of rawLines(handle, Math.max(0, from - 1))) {
    if (!dropping) yield { text: decode(bytes), end };
    dropping = false;
  }
}

async function* rawLines(handle: FileHandle, from: number): AsyncGenerator<{ bytes: Buffer; end: number }> {
  let position = from;
  let begun: Buffer[] = [];
  for (;;) {
    const block = await readBlock(handle, position);
    if (block.length === 0) break;
    let start = 0;
    for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, start)) {
      const rest = block.subarray(start, at);
      start = at + 1;
      yield { bytes: begun.length === 0 ? rest : Buffer.concat([...begun, rest]), end: position + start };
      begun = [];
    }
    if (start < block.length) begun.push(block.subarray(start));
    position += block.length;
  }
  if (begun.length > 0) throw damaged();
}

async function readBlock(handle: FileHandle, position: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const { bytesRead } = await disk("read a log", () => handle.read(block, 0, BLOCK_BYTES, position));
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

function damaged(cause?: unknown): Error {
  return unavailable("A log of the store is damaged: expected a JSON string on every line.", cause);
}
