import {
  type ChangeFeed,
  isNewerState,
  isStagefoldError,
  normalise,
  type Project,
  type ProjectChange,
  type Repository,
  StagefoldError,
  type Unsubscribe,
} from "@stagefold/core";
import { LatestValue } from "./latest-value.ts";

/** One who watches a project. */
export interface ProjectReader {
  /** A newer state than the one before. */
  put(project: Project): void;
  /** Nothing more comes. */
  fail(error: unknown): void;
}

export interface WatchDeps {
  readonly repository: Repository;
  /** What every process writes. */
  readonly feed: ChangeFeed;
  /** Called with reads that failed and will be tried again. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Names a state: its revision and the life of the project, which may be deleted and made again under its id. */
export function eventIdOf({ revision, created_at }: Project): string {
  return `${revision}-${Date.parse(created_at).toString(36)}`;
}

const MAX_DELETED = 1000;

/** Watches of single projects. All of the same project share a channel, which lives while it has readers. */
export class ProjectHub {
  readonly #deps: WatchDeps;
  readonly #channels = new Map<string, ProjectChannel>();
  /** Projects that were deleted: one of these that is there is another one under the same id. */
  readonly #deleted = new Set<string>();

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    deps.repository.onChange((change) => {
      if (change.kind === "deleted") this.#onDeleted(change.project_id);
      this.#channels.get(idOf(change))?.onOwnChange(change);
    });
  }

  /** Open watches, and the projects they are of. */
  get open(): { watches: number; projects: number } {
    const watches = [...this.#channels.values()].reduce((sum, channel) => sum + channel.readers, 0);
    return { watches, projects: this.#channels.size };
  }

  /**
   * The project at once, unless `after` is the id of its state or the bare revision, then every later state that the
   * reader is quick enough for.
   * Ends with the signal. Errors: PROJECT_NOT_FOUND, also when it is deleted meanwhile; SNAPSHOT_UNREADABLE.
   */
  async *watch(
    projectId: string,
    options: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Project, void, undefined> {
    const reader = new LatestValue<Project>();
    const leave = this.follow(projectId, options, reader);
    try {
      for (;;) {
        const project = await reader.take(options.signal);
        if (!project) return;
        yield project;
      }
    } finally {
      leave();
    }
  }

  /** The same, pushed to a reader until it leaves. Returns what it leaves by. */
  follow(
    projectId: string,
    { after }: { readonly after?: string | undefined },
    reader: ProjectReader,
  ): Unsubscribe {
    const channel = this.#channelOf(projectId);
    const isBare = after !== undefined && !after.includes("-");
    const knows = after !== undefined && !(isBare && this.#deleted.has(projectId));
    const joined = knows ? withoutFirst(after, reader) : reader;
    channel.join(joined, after);
    return () => {
      channel.leave(joined);
      if (channel.readers === 0) this.#drop(projectId, channel);
    };
  }

  #channelOf(projectId: string): ProjectChannel {
    const known = this.#channels.get(projectId);
    if (known && !known.failed) return known;
    const channel = new ProjectChannel(this.#deps, projectId, () => this.#onDeleted(projectId));
    this.#channels.set(projectId, channel);
    return channel;
  }

  #drop(projectId: string, channel: ProjectChannel): void {
    channel.close();
    if (this.#channels.get(projectId) === channel) this.#channels.delete(projectId);
  }

  #onDeleted(projectId: string): void {
    this.#deleted.add(projectId);
    const oldest = this.#deleted.values().next();
    if (this.#deleted.size > MAX_DELETED && !oldest.done) this.#deleted.delete(oldest.value);
  }
}

/** One watched project: its newest state and its readers. */
class ProjectChannel {
  readonly #deps: WatchDeps;
  readonly #projectId: string;
  readonly #readers = new Set<ProjectReader>();
  readonly #unsubscribe: Unsubscribe;
  #newest: Project | undefined;
  #failed = false;

  constructor(deps: WatchDeps, projectId: string, onDeleted: () => void) {
    this.#deps = deps;
    this.#projectId = projectId;
    // Before the first read: what changes during it is not missed.
    this.#unsubscribe = deps.feed.watchProject(projectId, (item) => {
      // Whether this tells of a deletion before or after the newest state, only the store knows.
      if (!item) {
        onDeleted();
        void this.#read({ first: false });
      } else this.#try(() => this.#put(normalise(item)));
    });
    void this.#read({ first: true });
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Readers of a channel that failed have its error; new ones need a new channel. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The reader gets the newest state as soon as there is one. `after` names the last one it has seen. */
  join(reader: ProjectReader, after: string | undefined): void {
    this.#readers.add(reader);
    if (!this.#newest) return;
    if (isBefore(this.#newest, after)) void this.#catchUp(reader);
    else reader.put(this.#newest);
  }

  /** The reader has seen more than this process: what the store has now is the truth, also where it is less. */
  async #catchUp(reader: ProjectReader): Promise<void> {
    await this.#read({ first: false });
    if (this.#newest && this.#readers.has(reader)) reader.put(this.#newest);
  }

  leave(reader: ProjectReader): void {
    this.#readers.delete(reader);
  }

  close(): void {
    this.#unsubscribe();
  }

  onOwnChange(change: ProjectChange): void {
    if (change.kind === "changed") this.#put(change.project);
    else this.#fail(notFound(change.project_id));
  }

  async #read({ first }: { first: boolean }): Promise<void> {
    try {
      this.#put(await this.#deps.repository.get(this.#projectId));
    } catch (error) {
      // Readers that wait for the first state get every error; later a store that is away comes back.
      if (first || !isStagefoldError(error, "STORE_UNAVAILABLE")) this.#fail(error);
      else this.#deps.onError?.(error);
    }
  }

  #put(project: Project): void {
    if (this.#newest && !isNewerState(project, this.#newest)) return;
    this.#newest = project;
    for (const reader of this.#readers) reader.put(project);
  }

  #try(put: () => void): void {
    try {
      put();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.close();
    for (const reader of this.#readers) reader.fail(error);
  }
}

function idOf(change: ProjectChange): string {
  return change.kind === "changed" ? change.project.project_id : change.project_id;
}

function notFound(projectId: string): StagefoldError {
  return new StagefoldError("PROJECT_NOT_FOUND", `There is no project ${projectId}.`, {
    project_id: projectId,
  });
}

/** Whether the id names a later state of the same life. */
function isBefore(project: Project, id: string | undefined): boolean {
  const [revision, life = lifeOf(project)] = id?.split("-") ?? [];
  return life === lifeOf(project) && Number(revision) > project.revision;
}

function lifeOf(project: Project): string | undefined {
  return eventIdOf(project).split("-")[1];
}

/** The reader without the first state, where that is the one that the reader has. */
function withoutFirst(after: string, reader: ProjectReader): ProjectReader {
  let first = true;
  return {
    put: (project) => {
      if (!first || (eventIdOf(project) !== after && String(project.revision) !== after)) reader.put(project);
      first = false;
    },
    fail: (error) => reader.fail(error),
  };
}
