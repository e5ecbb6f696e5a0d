import type {
  ArtifactRef,
  ArtifactStore,
  ByteRange,
  Bytes,
  StoredArtifact,
} from "../ports/artifact-store.ts";
import { artifactKey, documentKey, projectKey, requireWithin } from "../ports/storage-key.ts";
import { storageOwnerSchema } from "../snapshot/ids.ts";
import type { AtomicFiles } from "./atomic-files.ts";
import { fromJson, toJson } from "./document-json.ts";
import { FileStream } from "./file-stream.ts";

/** Has an empty file for each project that was removed lately. No project has this name. */
const REMOVED = ".removed";
/** A write that is later than this after the removal is none of a lease that was valid then: two of the longest. */
const LATE_MS = 2 * 60 * 60 * 1000;
const IDS_AT_ONCE = 100;

/** Artifacts and documents as files. */
export class FileArtifactStore implements ArtifactStore {
  readonly #files: AtomicFiles;

  constructor(files: AtomicFiles) {
    this.#files = files;
  }

  async put(
    ref: ArtifactRef,
    content: Bytes,
    options: { readonly limit?: number } = {},
  ): Promise<StoredArtifact> {
    const blocks = content instanceof Uint8Array ? [content] : content;
    return await this.#files.write(artifactKey(ref), blocks, { limit: options.limit });
  }

  async get(
    ref: ArtifactRef,
    options: { readonly range?: ByteRange | undefined } = {},
  ): Promise<{ size: number; stream: AsyncIterable<Uint8Array> } | undefined> {
    const file = await this.#files.open(artifactKey(ref));
    if (!file) return undefined;
    try {
      const range = requireWithin(options.range, file.size);
      return { size: file.size, stream: new FileStream(file.handle, range) };
    } catch (error) {
      await file.handle.close();
      throw error;
    }
  }

  async putDocument(projectId: string, name: string, value: unknown): Promise<void> {
    const key = documentKey(projectId, name);
    await this.#files.write(key, [Buffer.from(toJson(value))]);
  }

  async getDocument(projectId: string, name: string): Promise<unknown> {
    const file = await this.#files.open(documentKey(projectId, name));
    if (!file) return undefined;
    const blocks: Uint8Array[] = [];
    for await (const block of new FileStream(file.handle, requireWithin(undefined, file.size)))
      blocks.push(block);
    return fromJson(Buffer.concat(blocks).toString("utf8"), name);
  }

  async removeDocument(projectId: string, name: string): Promise<void> {
    await this.#files.removeFile(documentKey(projectId, name));
  }

  async markRemoved(projectId: string): Promise<void> {
    await this.#files.write([REMOVED, ...projectKey(projectId)], []);
  }

  async removeProject(projectId: string): Promise<void> {
    // Remembered first: what a late write brings from here on is found by `purgeRemoved`.
    await this.markRemoved(projectId);
    await this.#files.removeFolder(projectKey(projectId));
  }

  async purgeRemoved(
    existing: (projectIds: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<number> {
    const removed = (await this.#files.names([REMOVED])).filter(
      (id) => storageOwnerSchema.safeParse(id).success,
    );
    let purged = 0;
    for (let at = 0; at < removed.length; at += IDS_AT_ONCE) {
      const ids = removed.slice(at, at + IDS_AT_ONCE);
      const exist = await existing(ids);
      for (const id of ids) {
        // Also of one that exists: it may be about to be deleted.
        const isOver = (await this.#files.ageMs([REMOVED, id])) > LATE_MS;
        if (!exist.has(id) && (await this.#files.removeFolder([id]))) purged += 1;
        if (isOver) await this.#files.removeFile([REMOVED, id]);
      }
    }
    return purged;
  }
}
