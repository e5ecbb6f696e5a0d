import { Readable } from "node:stream";
import type { ByteRange } from "@stagefold/core";
import { storeError, unavailable } from "./errors.ts";

/** How often a download that breaks off is resumed. */
const MAX_RESUMES = 3;

/** The bytes of an object; a broken connection is resumed where it broke. */
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
        const { done, value } = await this.#blocks.next();
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

  async #goOn(cause: unknown): Promise<void> {
    this.#body.destroy();
    const body = await this.#resume(this.#position);
    if (!body) throw unavailable("the object was removed while it was read", cause);
    this.#body = body;
    this.#blocks = body[Symbol.asyncIterator]();
    if (this.destroyed) body.destroy();
  }
}
