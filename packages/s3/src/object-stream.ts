import { Readable } from "node:stream";
import type { ByteRange } from "@stagefold/core";
import { storeError, unavailable } from "./errors.ts";

/** How often a download that breaks off is resumed. */
const MAX_RESUMES = 3;
/** A connection that brings nothing for so long while a reader waits is as good as broken. Milliseconds. */
const STALLED_MS = 30_000;

/** The bytes of an object; a connection that broke, or brings nothing any more, is resumed where it stopped. */
export class ObjectStream extends Readable {
  #body: Readable;
  #blocks: AsyncIterator<Uint8Array>;
  #position: number;
  readonly #end: number;
  readonly #resume: (from: number) => Promise<Readable | undefined>;
  #left = MAX_RESUMES;

  constructor(
    body: Readable,
    { first, last }: ByteRange,
    resume: (from: number) => Promise<Readable | undefined>,
  ) {
    super();
    this.#body = body;
    this.#blocks = body[Symbol.asyncIterator]();
    this.#position = first;
    this.#end = last + 1;
    this.#resume = resume;
  }

  override _read(): void {
    this.#next().catch((error: unknown) =>
      this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#body.once("error", () => undefined).destroy();
    done(error);
  }

  async #next(): Promise<void> {
    for (;;)
      try {
        const { done, value } = await this.#block();
        if (!done) {
          this.#position += value.length;
          this.push(value);
          return;
        }
        if (this.#position !== this.#end)
          throw new Error(`expected ${this.#end} bytes, found ${this.#position}`);
        this.push(null);
        return;
      } catch (error) {
        if (this.destroyed) return;
        if (this.#left === 0) throw storeError(error);
        this.#left -= 1;
        await this.#goOn(error);
      }
  }

  /** The time of a reader that takes its time does not count. */
  async #block(): Promise<IteratorResult<Uint8Array>> {
    const body = this.#body;
    const stalled = setTimeout(
      () => body.destroy(new Error(`no bytes for ${STALLED_MS / 1000} s`)),
      STALLED_MS,
    );
    try {
      return await this.#blocks.next();
    } finally {
      clearTimeout(stalled);
    }
  }

  async #goOn(cause: unknown): Promise<void> {
    this.#body.destroy();
    const body = await this.#resume(this.#position);
    if (!body) throw unavailable("the object was removed while it was read", cause);
    this.#body = body;
    this.#blocks = body[Symbol.asyncIterator]();
    if (this.destroyed) body.destroy();
  }
}
