import { StagefoldError } from "../errors.ts";
import type {
  ArtifactRef,
  ArtifactStore,
  AttemptRef,
  Bytes,
  LogPage,
  LogStore,
  StoredArtifact,
} from "../ports/artifact-store.ts";

const key = (ref: AttemptRef) => `${ref.project_id}/${ref.stage}/${ref.attempt}`;

/** Artifacts and documents in memory, for tests. */
export class MemoryArtifactStore implements ArtifactStore {
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #documents = new Map<string, string>();

  async put(
    ref: ArtifactRef,
    content: Bytes,
    options: { readonly limit?: number } = {},
  ): Promise<StoredArtifact> {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const bytes = await collect(content, limit);
    this.#files.set(`${key(ref)}/${ref.path}`, bytes);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return {
      size: bytes.length,
      sha256: Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join(""),
    };
  }

  get(ref: ArtifactRef) {
    const bytes = this.#files.get(`${key(ref)}/${ref.path}`);
    return Promise.resolve(bytes && { size: bytes.length, stream: once(bytes) });
  }

  putDocument(projectId: string, name: string, value: unknown): Promise<void> {
    this.#documents.set(`${projectId}/${name}`, JSON.stringify(value));
    return Promise.resolve();
  }

  getDocument(projectId: string, name: string): Promise<unknown> {
    const text = this.#documents.get(`${projectId}/${name}`);
    return Promise.resolve(text === undefined ? undefined : JSON.parse(text));
  }

  removeProject(projectId: string): Promise<void> {
    for (const map of [this.#files, this.#documents])
      for (const name of [...map.keys()]) if (name.startsWith(`${projectId}/`)) map.delete(name);
    return Promise.resolve();
  }
}

/** Logs in memory, for tests. */
export class MemoryLogStore implements LogStore {
  readonly #chunks = new Map<string, Map<number, readonly string[]>>();

  append(ref: AttemptRef, seq: number, lines: readonly string[]): Promise<void> {
    const chunks = this.#chunks.get(key(ref)) ?? new Map<number, readonly string[]>();
    this.#chunks.set(key(ref), chunks.set(seq, lines));
    return Promise.resolve();
  }

  read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const chunks = [...(this.#chunks.get(key(ref)) ?? [])]
      .filter(([seq]) => seq <= options.upTo)
      .sort(([a], [b]) => a - b);
    const lines = chunks.flatMap(([, some]) => some);
    const from = Number(options.cursor ?? 0);
    const page = lines.slice(from, from + options.limit);
    return Promise.resolve({
      lines: page,
      cursor: String(from + page.length),
      end: from + page.length >= lines.length,
    });
  }
}

async function collect(content: Bytes, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of content instanceof Uint8Array ? once(content) : content) {
    size += part.length;
    if (size > limit)
      throw new StagefoldError("PAYLOAD_TOO_LARGE", `An artifact may have ${limit} bytes.`, { limit });
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
