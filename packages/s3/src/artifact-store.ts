import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import {
  type ArtifactRef,
  type ArtifactStore,
  artifactKey,
  type ByteRange,
  type Bytes,
  type Clock,
  documentKey,
  type LinkOptions,
  projectKey,
  type RecordStore,
  StagefoldError,
  type StorageKey,
  type StoredArtifact,
  upsertRecord,
} from "@stagefold/core";
import { fromJson, invalidInput, toJson } from "@stagefold/core/files";
import type { S3Bucket } from "./bucket.ts";
import { itemsOf } from "./items-of.ts";
import type { S3LogStore } from "./log-store.ts";

/** Has an item for each project that was removed lately. */
const REMOVED = "removed-files";
/** A write that is later than this after the removal is none of a lease that was valid then: two of the longest. */
const LATE_MS = 2 * 60 * 60 * 1000;
/** Bytes of a key, as S3 has it. */
const MAX_KEY_BYTES = 1024;

/** Artifacts and documents as objects. */
export class S3ArtifactStore implements ArtifactStore {
  readonly #bucket: S3Bucket;
  readonly #records: RecordStore;
  readonly #logs: S3LogStore;
  readonly #clock: Clock;

  constructor(bucket: S3Bucket, records: RecordStore, logs: S3LogStore, clock: Clock) {
    this.#bucket = bucket;
    this.#records = records;
    this.#logs = logs;
    this.#clock = clock;
  }

  async put(
    ref: ArtifactRef,
    content: Bytes,
    options: { readonly limit?: number } = {},
  ): Promise<StoredArtifact> {
    const key = this.#objectKey(artifactKey(ref));
    const hash = createHash("sha256");
    let size = 0;
    const take = (block: unknown) => {
      if (!(block instanceof Uint8Array)) throw invalidInput(`expected bytes, found a ${typeof block}`);
      size += block.length;
      if (options.limit !== undefined && size > options.limit) throw tooLarge(options.limit);
      hash.update(block);
      return block;
    };
    if (content instanceof Uint8Array) await this.#bucket.put(key, take(content));
    else
      await this.#bucket.upload(
        key,
        (async function* () {
          for await (const block of content) yield take(block);
        })(),
      );
    return { size, sha256: hash.digest("hex") };
  }

  async get(
    ref: ArtifactRef,
    options: { readonly range?: ByteRange | undefined } = {},
  ): Promise<{ size: number; stream: Readable } | undefined> {
    return await this.#bucket.open(this.#objectKey(artifactKey(ref)), options.range);
  }

  async link(ref: ArtifactRef, options: LinkOptions) {
    return await this.#bucket.link(this.#objectKey(artifactKey(ref)), options);
  }

  async putDocument(projectId: string, name: string, value: unknown): Promise<void> {
    const key = this.#objectKey(documentKey(projectId, name));
    // Names are never reused: what is there under this one is this very document.
    await this.#bucket.put(key, Buffer.from(toJson(value)), { ifAbsent: true });
  }

  async getDocument(projectId: string, name: string): Promise<unknown> {
    const bytes = await this.#bucket.read(this.#objectKey(documentKey(projectId, name)));
    return bytes && fromJson(bytes.toString("utf8"), name);
  }

  async removeDocument(projectId: string, name: string): Promise<void> {
    await this.#bucket.remove(this.#objectKey(documentKey(projectId, name)));
  }

  async markRemoved(projectId: string): Promise<void> {
    const [id = ""] = projectKey(projectId);
    const at = this.#clock.now();
    const expires_at = Math.ceil((at + 2 * LATE_MS) / 1000);
    await upsertRecord(this.#records, { pk: REMOVED, sk: id }, { at, expires_at });
  }

  async removeProject(projectId: string): Promise<void> {
    // Remembered first: what a late write brings from here on is found by `purgeRemoved`.
    await this.markRemoved(projectId);
    const [id = ""] = projectKey(projectId);
    await this.#removeAll(id);
  }

  async purgeRemoved(
    existing: (projectIds: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<number> {
    let purged = 0;
    for await (const items of itemsOf(this.#records, REMOVED)) {
      const ids = items.map(({ sk }) => String(sk));
      const exist = await existing(ids);
      for (const { sk, at } of items) {
        const id = String(sk);
        // Also of one that exists: it may be about to be deleted.
        const isOver = this.#clock.now() - Number(at) > LATE_MS;
        if (!exist.has(id) && (await this.#removeAll(id))) purged += 1;
        if (isOver) await this.#records.write({ pk: REMOVED, sk: id, kind: "delete", guards: [] });
      }
    }
    return purged;
  }

  /** Whether there was anything. */
  async #removeAll(projectId: string): Promise<boolean> {
    const objects = await this.#bucket.removeBelow(`${projectId}/`);
    return (await this.#logs.removeProject(projectId)) || objects > 0;
  }

  /** A key that is too long for S3 has its hash in its place. */
  #objectKey(key: StorageKey): string {
    const name = key.join("/");
    if (this.#bucket.prefixBytes + Buffer.byteLength(name) <= MAX_KEY_BYTES) return name;
    return `${key[0]}/long/${createHash("sha256").update(name).digest("hex")}`;
  }
}

function tooLarge(limit: number): StagefoldError<"PAYLOAD_TOO_LARGE"> {
  return new StagefoldError("PAYLOAD_TOO_LARGE", `Expected at most ${limit} bytes, found more.`, { limit });
}
