import { isStagefoldError, type Project, type Repository, StagefoldError } from "@stagefold/core";

/** One who watches a project. */
export interface ProjectReader {
  /** A newer state than the one before. */
  put(project: Project): void;
  /** Nothing more comes. */
  fail(error: unknown): void;
}

/** One watched project: its newest state, its readers, and one poll for all of them. */
export class ProjectChannel {
  readonly #repository: Repository;
  readonly #projectId: string;
  readonly #pollMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #readers = new Set<ProjectReader>();
  #newest: Project | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #failed = false;

  constructor(
    repository: Repository,
    projectId: string,
    options: { readonly projectPollMs: number; readonly onError: (error: unknown) => void },
  ) {
    this.#repository = repository;
    this.#projectId = projectId;
    this.#pollMs = options.projectPollMs;
    this.#onError = options.onError;
    void this.#poll({ first: true });
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Readers of a channel that failed hear of it; new ones need a new channel. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The reader gets the newest state as soon as there is one. `after` is the revision it has seen. */
  join(reader: ProjectReader, after: number | undefined): void {
    this.#readers.add(reader);
    if (!this.#newest) return;
    if (after === undefined || this.#newest.revision >= after) reader.put(this.#newest);
    else void this.#catchUp(reader);
  }

  /** The reader has seen more than this process: what the store has now is the truth, also where it is less. */
  async #catchUp(reader: ProjectReader): Promise<void> {
    try {
      const project = await this.#repository.get(this.#projectId);
      this.see(project);
      reader.put(this.#newest ?? project);
    } catch (error) {
      reader.fail(error);
    }
  }

  leave(reader: ProjectReader): void {
    this.#readers.delete(reader);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** A state of the project, from whoever saw it. What is not newer changes nothing. */
  see(project: Project): void {
    if (this.#newest && !isNewer(project, this.#newest)) return;
    this.#newest = project;
    for (const reader of this.#readers) reader.put(project);
  }

  gone(): void {
    const data = { project_id: this.#projectId };
    this.#fail(new StagefoldError("PROJECT_NOT_FOUND", `There is no project ${this.#projectId}.`, data));
  }

  async #poll({ first }: { first: boolean }): Promise<void> {
    try {
      this.see(await this.#read(first));
    } catch (error) {
      // A store that does not answer does so later; whoever waits for the first state hears of it at once.
      if (first || !isStagefoldError(error, "STORE_UNAVAILABLE")) this.#fail(error);
      else this.#onError(error);
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#poll({ first: false }), this.#pollMs);
    this.#timer.unref();
  }

  /** Polls may read a little behind. That there is no project is believed only from a read that is not. */
  async #read(consistent: boolean): Promise<Project> {
    try {
      return await this.#repository.get(this.#projectId, { consistent });
    } catch (error) {
      if (consistent || !isStagefoldError(error, "PROJECT_NOT_FOUND")) throw error;
      return this.#repository.get(this.#projectId);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.close();
    for (const reader of this.#readers) reader.fail(error);
  }
}

/** A project that was deleted and made again under its key begins at revision 1 once more. */
function isNewer(one: Project, other: Project): boolean {
  if (one.created_at !== other.created_at) return one.created_at > other.created_at;
  return one.revision > other.revision;
}
