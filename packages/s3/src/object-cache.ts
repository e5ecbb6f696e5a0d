import type { S3Bucket } from "./bucket.ts";

/** Bytes of objects that are remembered, for readers who page through them. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** An object that a record names is not there any more. */
export class MissingObject extends Error {
  constructor() {
    super("An object that a record names is not in the bucket any more.");
    this.name = "MissingObject";
  }
}

/** Whole objects that never change: those read last are remembered. */
export class ObjectCache {
  readonly #bucket: S3Bucket;
  readonly #objects = new Map<string, Buffer>();
  #bytes = 0;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /** Errors: MissingObject. */
  async get(key: string): Promise<Buffer> {
    const bytes = this.#objects.get(key) ?? (await this.#bucket.read(key));
    if (!bytes) throw new MissingObject();
    if (!this.#objects.delete(key)) this.#bytes += bytes.length;
    this.#objects.set(key, bytes);
    for (const [oldest, { length }] of this.#objects) {
      if (this.#bytes <= CACHE_BYTES) break;
      this.#objects.delete(oldest);
      this.#bytes -= length;
    }
    return bytes;
  }
}

/** Undefined for what is not in the bucket any more. */
export async function orLost(bytes: Promise<Buffer>): Promise<Buffer | undefined> {
  try {
    return await bytes;
  } catch (error) {
    if (error instanceof MissingObject) return undefined;
    throw error;
  }
}
