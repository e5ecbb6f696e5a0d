import { StagefoldError } from "../errors.ts";
import type {
  ArtifactRef,
  ArtifactStore,
  AttemptRef,
  ByteRange,
  Bytes,
  LogPage,
  LogStore,
  StoredArtifact,
} from "../ports/artifact-store.ts";
import {
  artifactKey,
  checkedAttempt,
  checkedCount,
  documentKey,
  preview,
  projectKey,
  requireWithin,
  type StorageKey,
} from "../ports/storage-key.ts";
import { type LogLine, packLine, type ReportedLine, unpackLine } from "../snapshot/log-line.ts";

/** Artifacts, documents and logs in memory, for tests. */
export function createMemoryFileStores(): { readonly artifacts: ArtifactStore; readonly logs: LogStore } {
  const logs = new MemoryLogStore();
  return { artifacts: new MemoryArtifactStore(logs), logs };
}

const nameOf = (key: StorageKey) => key.join("/");

class MemoryArtifactStore implements ArtifactStore {
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #documents = new Map<string, string>();
  readonly #removed = new Set<string>();
  readonly #logs: MemoryLogStore;

  constructor(logs: MemoryLogStore) {
    this.#logs = logs;
  }

  async put(
    ref: ArtifactRef,
    content: Bytes,
    options: { readonly limit?: number } = {},
  ): Promise<StoredArtifact> {
    const name = nameOf(artifactKey(ref));
    for (const other of this.#files.keys())
      if (other.startsWith(`${name}/`) || name.startsWith(`${other}/`))
        throw invalid(
          `path: expected one beside ${preview(other)}, which is an artifact, not a folder`,
          "path",
        );
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const bytes = await collect(content, limit);
    this.#files.set(name, bytes);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return {
      size: bytes.length,
      sha256: Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join(""),
    };
  }

  async get(ref: ArtifactRef, { range }: { readonly range?: ByteRange | undefined } = {}) {
    const bytes = this.#files.get(nameOf(artifactKey(ref)));
    if (!bytes) return undefined;
    const { first, last } = requireWithin(range, bytes.length);
    return { size: bytes.length, stream: once(bytes.subarray(first, last + 1)) };
  }

  async putDocument(projectId: string, name: string, value: unknown): Promise<void> {
    this.#documents.set(nameOf(documentKey(projectId, name)), JSON.stringify(value));
  }

  async getDocument(projectId: string, name: string): Promise<unknown> {
    const text = this.#documents.get(nameOf(documentKey(projectId, name)));
    return text === undefined ? undefined : JSON.parse(text);
  }

  async removeDocument(projectId: string, name: string): Promise<void> {
    this.#documents.delete(nameOf(documentKey(projectId, name)));
  }

  async markRemoved(projectId: string): Promise<void> {
    this.#removed.add(projectId);
  }

  async removeProject(projectId: string): Promise<void> {
    await this.markRemoved(projectId);
    this.#removeBelow(`${nameOf(projectKey(projectId))}/`);
  }

  async purgeRemoved(
    existing: (projectIds: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<number> {
    const exist = await existing([...this.#removed]);
    let purged = 0;
    for (const id of this.#removed)
      if (!exist.has(id) && this.#removeBelow(`${nameOf(projectKey(id))}/`)) purged += 1;
    return purged;
  }

  /** Whether there was anything. */
  #removeBelow(below: string): boolean {
    let any = this.#logs.removeBelow(below);
    for (const map of [this.#files, this.#documents])
      for (const name of [...map.keys()])
        if (name.startsWith(below)) {
          any = true;
          map.delete(name);
        }
    return any;
  }
}

class MemoryLogStore implements LogStore {
  readonly #chunks = new Map<string, Map<number, readonly LogLine[]>>();

  async append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void> {
    const name = logName(ref);
    const chunks = this.#chunks.get(name) ?? new Map<number, readonly LogLine[]>();
    this.#chunks.set(
      name,
      chunks.set(
        checkedCount(seq, "seq"),
        lines.map((line) => unpackLine(packLine(line)) ?? { text: "" }),
      ),
    );
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const { cursor = "0:0" } = options;
    if (checkedCount(options.limit, "limit") === 0)
      throw invalid("limit: expected at least 1, found 0", "limit");
    const [, seq, line] = /^(\d{1,15}):(\d{1,15})$/.exec(cursor) ?? [];
    if (seq === undefined || line === undefined)
      throw invalid(`cursor: expected one that an earlier page gave, found ${preview(cursor)}`, "cursor");
    const chunks = [...(this.#chunks.get(logName(ref)) ?? [])].sort(([a], [b]) => a - b);
    const rest = chunks
      .filter(([at]) => at <= options.upTo)
      .flatMap(([at, lines]) => lines.map((line, i) => ({ at, next: i + 1, line })))
      .filter(({ at, next }) => at > Number(seq) || (at === Number(seq) && next > Number(line)));
    const page = rest.slice(0, options.limit);
    const last = page.at(-1);
    return {
      lines: page.map(({ line }) => line),
      cursor: last ? `${last.at}:${last.next}` : cursor,
      end: page.length === rest.length,
    };
  }

  /** Whether there was anything. */
  removeBelow(below: string): boolean {
    const names = [...this.#chunks.keys()].filter((name) => name.startsWith(below));
    for (const name of names) this.#chunks.delete(name);
    return names.length > 0;
  }
}

function logName(ref: AttemptRef): string {
  const { stage, attempt } = checkedAttempt(ref);
  return nameOf([...projectKey(ref.project_id), stage, String(attempt)]);
}

function invalid(message: string, field: string) {
  return new StagefoldError("INVALID_INPUT", message, { issues: [field] });
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
