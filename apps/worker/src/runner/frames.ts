import type { LogStream } from "@stagefold/core";

/*
 * What the code of a stage writes in its runner goes through one pipe, as frames: a byte that names the stream, the
 * length as four bytes, the bytes. So `console.log`, `console.error` and `ctx.log` stay in order.
 */

/** The number of the pipe in the runner. */
export const FRAMES_FD = 4;
/** A frame of this kind has the marker: nothing of the stage comes after it. */
const END = 0;
const KINDS: readonly LogStream[] = ["stdout", "stderr", "log"];
const HEADER_BYTES = 5;

/** `stream` undefined: the end. */
export function frameOf(stream: LogStream | undefined, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  frame[0] = stream === undefined ? END : KINDS.indexOf(stream) + 1;
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Takes frames apart as their bytes come. Bytes of a frame are passed on at once, however long it is. */
export class FrameReader {
  readonly #onBytes: (stream: LogStream, bytes: Buffer) => void;
  readonly #onEnd: (marker: string) => void;
  readonly #header: number[] = [];
  #stream: LogStream | undefined;
  #left = 0;
  #marker = "";

  constructor(onBytes: (stream: LogStream, bytes: Buffer) => void, onEnd: (marker: string) => void) {
    this.#onBytes = onBytes;
    this.#onEnd = onEnd;
  }

  /** Errors: bytes that are no frame. */
  feed(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        this.#header.push(bytes[at] ?? 0);
        at += 1;
        if (this.#header.length === HEADER_BYTES) this.#begin();
        continue;
      }
      const part = bytes.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#stream !== undefined) this.#onBytes(this.#stream, part);
      else this.#marker += part.toString("latin1");
      if (this.#left === 0 && this.#stream === undefined) this.#onEnd(this.#marker);
    }
  }

  #begin(): void {
    const header = Buffer.from(this.#header.splice(0));
    const kind = header[0] ?? 0;
    this.#stream = KINDS[kind - 1];
    this.#left = header.readUInt32BE(1);
    this.#marker = "";
    if (kind > KINDS.length || (kind === END && this.#left > 256))
      throw new Error(`expected a frame of the output, found one of kind ${kind} with ${this.#left} bytes`);
  }
}
