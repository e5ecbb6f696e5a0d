import type { Project, Repository } from "@stagefold/core";
import { LatestValue } from "./latest-value.ts";
import { ProjectChannel, type ProjectReader } from "./project-channel.ts";

export interface ProjectHubOptions {
  /** How often a watched project is read, for what other processes write. Milliseconds. */
  readonly projectPollMs?: number;
  /** Hears of reads that failed and will be tried again. */
  readonly onError?: (error: unknown) => void;
}

/** Who watches single projects. All who watch the same one share a channel, which lives while anybody does. */
export class ProjectHub {
  readonly #repository: Repository;
  readonly #options: Required<ProjectHubOptions>;
  readonly #channels = new Map<string, ProjectChannel>();
  #stopListening: (() => void) | undefined;

  constructor(repository: Repository, options: ProjectHubOptions = {}) {
    this.#repository = repository;
    this.#options = {
      projectPollMs: options.projectPollMs ?? 700,
      onError: options.onError ?? (() => undefined),
    };
  }

  /** Open watches, and the projects they are of. */
  get open(): { watches: number; projects: number } {
    const watches = [...this.#channels.values()].reduce((sum, channel) => sum + channel.readers, 0);
    return { watches, projects: this.#channels.size };
  }

  /**
   * The project at once, unless `after` is its revision, then every later state that the reader is quick enough for.
   * Ends with the signal. Errors: PROJECT_NOT_FOUND, also when it is deleted meanwhile; SNAPSHOT_UNREADABLE.
   */
  async *watch(
    projectId: string,
    options: { readonly after?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
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

  /** The same, told to a reader until it leaves. Answers with what it leaves by. */
  follow(projectId: string, { after }: { readonly after?: number | undefined }, reader: ProjectReader) {
    const channel = this.#channelOf(projectId);
    const joined = after === undefined ? reader : without(after, reader);
    channel.join(joined, after);
    return () => {
      channel.leave(joined);
      if (channel.readers === 0) this.#drop(projectId, channel);
    };
  }

  #channelOf(projectId: string): ProjectChannel {
    const known = this.#channels.get(projectId);
    if (known && !known.failed) return known;
    const channel = new ProjectChannel(this.#repository, projectId, this.#options);
    this.#channels.set(projectId, channel);
    this.#stopListening ??= this.#repository.onChange((change) => {
      if (change.kind === "changed") this.#channels.get(change.project.project_id)?.see(change.project);
      else this.#channels.get(change.project_id)?.gone();
    });
    return channel;
  }

  #drop(projectId: string, channel: ProjectChannel): void {
    channel.close();
    if (this.#channels.get(projectId) === channel) this.#channels.delete(projectId);
    if (this.#channels.size > 0) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}

/** The reader as one that is not told first what it knows already. */
function without(known: number, reader: ProjectReader): ProjectReader {
  let first = true;
  return {
    put: (project) => {
      if (!first || project.revision !== known) reader.put(project);
      first = false;
    },
    fail: (error) => reader.fail(error),
  };
}
