import type { LogLine, ReportedLine } from "../snapshot/log-line.ts";

/** One attempt of a stage: artifacts and logs are kept apart by it. */
export interface AttemptRef {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
}

export interface ArtifactRef extends AttemptRef {
  /** As `artifactPathSchema` wants it; anything else is refused with INVALID_INPUT. */
  readonly path: string;
}

export type Bytes = Uint8Array | AsyncIterable<Uint8Array>;

/** Part of an artifact, in bytes from 0: both ends are in it, and within what is stored. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface StoredArtifact {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What a download from an address of the store's own is to be called, and what it is said to be. */
export interface LinkOptions {
  /** Such as `attachment; filename="a.txt"`. */
  readonly disposition: string;
  readonly type: string;
  /** For how long a download may begin. */
  readonly seconds: number;
}

/**
 * Keeps what is too large for the item. What is put appears whole or not at all, and survives a kill once acknowledged.
 * A full disk and the like: `STORE_UNAVAILABLE`.
 */
export interface ArtifactStore {
  /** Puts an artifact in place of what was there. `limit` in bytes: more is `PAYLOAD_TOO_LARGE` and keeps nothing. */
  put(ref: ArtifactRef, content: Bytes, options?: { readonly limit?: number }): Promise<StoredArtifact>;
  /**
   * Undefined when there is none. The stream must be read to its end or destroyed. `size` is that of the whole, of which
   * the stream has `range` alone. INVALID_INPUT for a range that is not within it.
   */
  get(
    ref: ArtifactRef,
    options?: { readonly range?: ByteRange | undefined },
  ): Promise<{ readonly size: number; readonly stream: AsyncIterable<Uint8Array> } | undefined>;
  /**
   * An address from which anyone who has it may download the artifact, or ranges of it, for a short time. Undefined when
   * there is none. A store without such addresses lacks this.
   */
  link?(
    ref: ArtifactRef,
    options: LinkOptions,
  ): Promise<{ readonly size: number; readonly url: string } | undefined>;
  /** A JSON value under a name of its own (`[a-z0-9._-]`): manifests and histories. Names are never reused. */
  putDocument(projectId: string, name: string, value: unknown): Promise<void>;
  getDocument(projectId: string, name: string): Promise<unknown>;
  /** Nothing there is no error. */
  removeDocument(projectId: string, name: string): Promise<void>;
  /**
   * To be called before a project is deleted: should the process end before it has removed the files, `purgeRemoved` does.
   * A project that is not deleted after all keeps its files.
   */
  markRemoved(projectId: string): Promise<void>;
  /** Everything of a project: artifacts, documents, logs. Nothing there is no error. Marks it as removed, too. */
  removeProject(projectId: string): Promise<void>;
  /**
   * Removes what there is of projects that were marked or removed in the last hours, such as what late writes have
   * brought; one that exists keeps its files. `existing` gives those of some ids that exist. Answers with how many
   * projects had something.
   */
  purgeRemoved(existing: (projectIds: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
}

export interface LogPage {
  readonly lines: readonly LogLine[];
  /** Where the next page begins, also at the end of what there is: a reader that follows continues there. */
  readonly cursor: string;
  /** Whether this page ends at the end of what there is. */
  readonly end: boolean;
}

/** Lines of one attempt that a write of the lease owner brings. `seq` is the number of that write. */
export interface LogChunk extends AttemptRef {
  readonly seq: number;
  readonly lines: readonly ReportedLine[];
}

/**
 * The full logs, in chunks that a reader can page through while they grow. A chunk is named by the number of the
 * report that brought it (`seq`): writing it again changes nothing, and `upTo` leaves out what was never acknowledged.
 */
export interface LogStore {
  append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void>;
  read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage>;
  /**
   * The attempt is over: a store that keeps growing logs elsewhere puts this one where it stays. It may be called again,
   * and what readers see does not change. A store without it has nothing to do.
   */
  seal?(ref: AttemptRef): Promise<void>;
  /**
   * Seals logs whose attempt ended, or fell silent, long ago without it. One that cannot be sealed is handed to `onError`
   * and does not keep others from it. Errors: STORE_UNAVAILABLE.
   */
  sealOld?(onError: (error: unknown) => void): Promise<void>;
}
