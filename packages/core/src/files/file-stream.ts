import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ByteRange } from "../ports/artifact-store.ts";
import { storeError, unavailable } from "./errors.ts";

const BLOCK_BYTES = 64 * 1024;

/**
 * A range of the bytes of an open file. Errors are STORE_UNAVAILABLE; fewer bytes than the range has are one, or
 * a damaged file would pass for a whole one. Closes the handle at its end and when destroyed.
 */
export class FileStream extends Readable {
  readonly #handle: FileHandle;
  readonly #end: number;
  #position: number;

  constructor(handle: FileHandle, { first, last }: ByteRange) {
    super({ highWaterMark: BLOCK_BYTES });
    this.#handle = handle;
    this.#position = first;
    this.#end = last + 1;
  }

  override _read(): void {
    this.#next().catch((error: unknown) => this.destroy(asError(storeError("read a file", error))));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handle.close().then(
      () => done(error),
      (closing: unknown) => done(error ?? asError(storeError("close a file", closing))),
    );
  }

  async #next(): Promise<void> {
    const wanted = Math.min(BLOCK_BYTES, this.#end - this.#position);
    if (wanted === 0) {
      this.push(null);
      return;
    }
    const { bytesRead, buffer } = await this.#handle.read(
      Buffer.allocUnsafe(wanted),
      0,
      wanted,
      this.#position,
    );
    if (this.destroyed) return;
    if (bytesRead === 0)
      throw unavailable(
        `A file of the store is damaged: expected ${this.#end} bytes, found ${this.#position}.`,
      );
    this.#position += bytesRead;
    this.push(buffer.subarray(0, bytesRead));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
