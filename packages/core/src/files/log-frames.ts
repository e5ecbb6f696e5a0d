import type { FileHandle } from "node:fs/promises";
import type { AttemptRef } from "../ports/artifact-store.ts";
import { mapFsErrors } from "./errors.ts";
import { type ByteSource, damaged, fileSource } from "./log-lines.ts";

/** Frames of one attempt are told from those of others by this. */
type Owner = Pick<AttemptRef, "stage" | "attempt">;

/** What one append brought, as it lies in a file. */
export interface Frame {
  /** The number of the report that brought it. */
  readonly seq: number;
  /** When it was appended, in milliseconds of the epoch. */
  readonly at: number;
  /** Where its lines begin in the file, and how long they are, in bytes. */
  readonly from: number;
  readonly bytes: number;
}

const NEWLINE = 10;

/** A line that says what follows, `[seq,at,bytes,attempt,"stage"]`, then the lines. */
export function encodeFrame({ stage, attempt }: Owner, seq: number, at: number, lines: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify([seq, at, lines.length, attempt, stage])}\n`), lines]);
}

/** Knows where the frames of a file lie. Files only grow, so what was looked at once is not looked at again. */
export class FrameIndex {
  readonly #frames = new Map<string, Map<number, Frame>>();
  #file = "";
  #indexed = 0;
  #turn: Promise<void> = Promise.resolve();

  /** By number; of two with the same number the later one counts. */
  of(owner: Owner): ReadonlyMap<number, Frame> {
    return this.#frames.get(nameOf(owner)) ?? new Map();
  }

  /** Takes in what was appended since. A frame that is not all there yet, or that a kill cut short, is none. */
  async update(handle: FileHandle): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#update(handle));
    await this.#turn;
  }

  async #update(handle: FileHandle): Promise<void> {
    const { size, ino, birthtimeMs } = await mapFsErrors("read a log", () => handle.stat());
    const file = `${ino} ${birthtimeMs}`;
    // Removed with its project, and another one is there now, perhaps under the same number.
    if (file !== this.#file || size < this.#indexed) this.#begin(file);
    this.#indexed = await scanFrames(fileSource(handle), this.#indexed, size, (owner, frame) =>
      this.#add(owner, frame),
    );
  }

  #begin(file: string): void {
    this.#file = file;
    this.#indexed = 0;
    this.#frames.clear();
  }

  #add(owner: Owner, frame: Frame): void {
    const name = nameOf(owner);
    const frames = this.#frames.get(name) ?? new Map<number, Frame>();
    frames.set(frame.seq, frame);
    this.#frames.set(name, frames);
  }
}

/** Calls `found` for each whole frame from `start` on, and answers with where the last one ends. */
export async function scanFrames(
  source: ByteSource,
  start: number,
  size: number,
  found: (owner: Owner, frame: Frame) => void,
): Promise<number> {
  let indexed = start;
  while (indexed < size) {
    const from = indexed;
    const block = await source.read(from, size);
    for (let at = 0; at < block.length; at = indexed - from) {
      const end = block.indexOf(NEWLINE, at);
      if (end < 0) break;
      const { owner, frame } = decode(block.subarray(at, end), from + end + 1);
      if (frame.from + frame.bytes > size) return indexed;
      found(owner, frame);
      indexed = frame.from + frame.bytes;
    }
    if (indexed === from) break;
  }
  return indexed;
}

function nameOf({ stage, attempt }: Owner): string {
  return `${stage}.${attempt}`;
}

function decode(line: Uint8Array, from: number): { owner: Owner; frame: Frame } {
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(line).toString("utf8"));
  } catch (error) {
    throw damaged(error);
  }
  if (!Array.isArray(header)) throw damaged();
  const [seq, at, bytes, attempt, stage]: unknown[] = header;
  const counts = [seq, at, bytes, attempt].every((one) => Number.isSafeInteger(one) && Number(one) >= 0);
  if (!counts || typeof stage !== "string") throw damaged();
  return {
    owner: { stage, attempt: Number(attempt) },
    frame: { seq: Number(seq), at: Number(at), bytes: Number(bytes), from },
  };
}
