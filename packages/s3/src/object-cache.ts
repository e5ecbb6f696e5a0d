import type { S3Bucket } from "./bucket.ts";

/** Bytes of objects that are remembered, for readers who page through them. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Whole objects that never change: those read last are remembered. */
export class ObjectCache {
  readonly #bucket: S3Bucket;
  readonly #objects = new Map<string, Buffer>();
  #bytes = 0;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /** Undefined for one that is not in the bucket any more. */
  async get(key: string): Promise<Buffer | undefined> {
    const bytes = this.#objects.get(key) ?? (await this.#bucket.read(key));
    if (!bytes) return undefined;
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
