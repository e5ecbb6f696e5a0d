// Long because: what shares the one stream is decided in one place.

import {
  type LogRef,
  logKey,
  type ManyChange,
  type Project,
  type ProjectFilter,
  type ProjectSummary,
  type StagefoldClient,
  unreadLog,
  WATCHED,
  type WatchLog,
} from "@stagefold/client";
import { type Entry, entryIn, type Snapshot } from "./entry.ts";

/** `connecting` is before there ever was a connection, and while nothing is watched. */
export type Connection = "connecting" | "online" | "lost";

/** Components that come and go together are one change of what is watched. Milliseconds. */
const SETTLE_MS = 20;
/** Lists are read again at most so often. Milliseconds. */
const REREAD_MS = 300;
/** After a refusal, such as of a token that ran out. Milliseconds. */
const RETRY_MS = 5000;
/** Ids that a project can have: the API refuses a whole stream for any other. */
const PROJECT_ID = /^proj_[0-9a-f]{12}$/;

export interface ListOptions extends ProjectFilter {
  /** 1 to 100; 20 unless given. */
  readonly limit?: number | undefined;
}

export const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Calls the work a while after the first of several requests. */
function debounced(work: () => void, ms: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const request = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work();
    }, ms);
  };
  return { request, cancel };
}

/** Runs the work on request, one at a time; a request that comes meanwhile runs it once more. */
export function serially(
  entry: { fail(error: Error): void },
  signal: AbortSignal,
  work: () => Promise<void>,
): () => void {
  let isRunning = false;
  let isDue = false;
  const run = async () => {
    isDue = true;
    if (isRunning) return;
    isRunning = true;
    while (isDue && !signal.aborted) {
      isDue = false;
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) entry.fail(toError(error));
      }
    }
    isRunning = false;
  };
  return () => void run();
}

/** All that the components below a provider watch, over one event stream. */
export class Live {
  readonly client: StagefoldClient;
  readonly #projects = new Map<string, Entry<Project>>();
  readonly #lists = new Map<string, Entry<readonly ProjectSummary[]>>();
  /** Whatever else is kept per provider: logs, artifacts, agents, turns. */
  readonly #others = new Map<string, Entry<unknown>>();
  readonly #watched = new Map<string, number>();
  /** The logs that are followed, each by one reader, and where that one is. */
  readonly #logs = new Set<LogRef & { cursor: string }>();
  readonly #onChange = new Set<(change: ManyChange) => void>();
  readonly #onConnection = new Set<() => void>();
  readonly #reopen = debounced(() => this.#open(), SETTLE_MS);
  #connection: Connection = "connecting";
  #stream: AbortController | undefined;
  #ids: readonly string[] = [];
  #followed = "";
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Whether what was read may be older than what the next stream begins with. */
  #missed = true;

  constructor(client: StagefoldClient) {
    this.client = client;
  }

  readonly readConnection = (): Connection => this.#connection;

  readonly subscribeConnection = (listener: () => void): (() => void) => {
    this.#onConnection.add(listener);
    return () => this.#onConnection.delete(listener);
  };

  project(id: string): Entry<Project> {
    return entryIn(this.#projects, id, (entry) => {
      if (!PROJECT_ID.test(id)) {
        // The API's refusal says what is wrong with it, to its own readers alone.
        void this.#readProject(entry, id);
        return () => undefined;
      }
      const leave = this.listen((change) => this.#toProject(entry, id, change));
      this.#watched.set(id, 1);
      this.#reopen.request();
      return () => {
        leave();
        this.#watched.delete(id);
        this.#reopen.request();
      };
    });
  }

  list(options: ListOptions): Entry<readonly ProjectSummary[]> {
    return entryIn(this.#lists, JSON.stringify(Object.entries(options).sort()), (entry) => {
      const ending = new AbortController();
      const read = () => void this.#readList(entry, options, ending.signal);
      const later = debounced(read, REREAD_MS);
      const leave = this.listen((change) => {
        if (change.kind === "changed" || change.kind === "removed" || change.kind === "reset") {
          showLine(entry, change);
          later.request();
        }
      });
      read();
      return () => {
        ending.abort();
        later.cancel();
        leave();
      };
    });
  }

  /** For `followLog`: brings the changes of a log over the stream. */
  readonly watchLog: WatchLog = (log, onChange) => {
    const followed = { ...log };
    this.#logs.add(followed);
    const leave = this.listen((change) => {
      if (change.kind !== "log" || logKey(change) !== logKey(log)) return;
      if (change.from === followed.cursor) followed.cursor = change.cursor;
      onChange(change);
    });
    return () => {
      this.#logs.delete(followed);
      leave();
    };
  };

  /** Something of a kind of its own, which is begun and ended with its readers. */
  other<T>(key: string, begin: (entry: Entry<T>) => () => void): Entry<T> {
    // The key says of which type the value is: who calls this names both.
    return entryIn(this.#others as Map<string, Entry<T>>, key, begin);
  }

  /** Shows a state of a project, such as the answer of a mutation. An older one than what is shown changes nothing. */
  show(project: Project): void {
    const entry = this.#projects.get(project.project_id);
    if (entry && isNewer(project, entry.read())) entry.set(project);
  }

  #toProject(entry: Entry<Project>, id: string, change: ManyChange): void {
    if (change.kind === "reset" || change.kind === "log" || idOf(change) !== id) return;
    if (change.kind === "project") this.show(change.project);
    // What the stream does not send as a whole is read; of what is gone the refusal says why.
    else if (change.kind !== "changed" || !this.#ids.includes(id)) void this.#readProject(entry, id);
  }

  async #readProject(entry: Entry<Project>, project_id: string): Promise<void> {
    try {
      const project = await this.client.projects.get({ project_id });
      if (isNewer(project, entry.read())) entry.set(project);
    } catch (error) {
      entry.fail(toError(error));
    }
  }

  /** Reads the projects that one stream has no room for. */
  #readLeft(isDue: (known: Snapshot<Project>) => boolean = () => true): void {
    for (const [id, entry] of this.#projects)
      if (!this.#ids.includes(id) && isDue(entry.read())) void this.#readProject(entry, id);
  }

  async #readList(
    entry: Entry<readonly ProjectSummary[]>,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const { items } = await this.client.projects.list({ ...options }, { signal });
      entry.set(items);
    } catch (error) {
      if (!signal.aborted) entry.fail(toError(error));
    }
  }

  /** Calls the listener with what the stream says; `reset` is that it may have missed something. */
  listen(listener: (change: ManyChange) => void): () => void {
    this.#onChange.add(listener);
    this.#reopen.request();
    return () => {
      this.#onChange.delete(listener);
      this.#reopen.request();
    };
  }

  /** Opens the stream for what is watched now. The previous one stays open until the new one is there. */
  #open(): void {
    const ids = [...this.#watched.keys()].sort().slice(0, WATCHED.projects);
    if (this.#onChange.size === 0) {
      this.#stream?.abort();
      this.#stream = undefined;
      this.#missed = true;
      this.#setConnection("connecting");
      return;
    }
    const all = new Map([...this.#logs].map((log) => [logKey(log), log]));
    const followed = [...ids, ...all.keys()].join();
    if (this.#stream && followed === this.#followed) {
      this.#readLeft(({ status }) => status === "loading");
      return;
    }
    this.#followed = followed;
    this.#ids = ids;
    void this.#follow([...all.values()], this.#stream);
  }

  async #follow(
    all: readonly (LogRef & { cursor: string })[],
    before: AbortController | undefined,
  ): Promise<void> {
    clearTimeout(this.#retry);
    const stream = new AbortController();
    const { signal } = stream;
    const ids = this.#ids;
    const logs = all.slice(0, WATCHED.logs);
    const left = all.slice(WATCHED.logs);
    this.#stream = stream;
    const onConnection = (state: "connected" | "lost") => {
      if (signal.aborted) return;
      this.#setConnection(state === "connected" ? "online" : "lost");
      if (state === "lost") return;
      before?.abort();
      this.#readLeft();
      if (this.#missed) this.#tell({ kind: "reset" });
      this.#missed = false;
    };
    try {
      const events = this.client.projects.watchMany(
        { project_ids: [...ids], logs: logs.map((log) => ({ ...log })) },
        { signal, patient: true, onConnection },
      );
      for await (const change of events) {
        this.#tell(change);
        if (change.kind === "project")
          for (const log of left)
            if (log.project_id === change.project.project_id) this.#tell(unreadLog(log));
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#stream = undefined;
      this.#missed = true;
      this.#setConnection("lost");
      for (const entry of this.#projects.values()) entry.fail(toError(error));
      this.#retry = setTimeout(() => this.#open(), RETRY_MS);
    } finally {
      // Also where this one gave way to the next before it was connected itself.
      before?.abort();
    }
  }

  #tell(change: ManyChange): void {
    for (const listener of this.#onChange) listener(change);
  }

  #setConnection(connection: Connection): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    for (const listener of this.#onConnection) listener();
  }
}

function idOf(change: Exclude<ManyChange, { kind: "reset" }>): string {
  return "project" in change ? change.project.project_id : change.project_id;
}

/** A line that is shown changes at once; whether it still belongs there, and what is new, the next reading says. */
function showLine(entry: Entry<readonly ProjectSummary[]>, change: ManyChange): void {
  const { value } = entry.read();
  if (value === undefined) return;
  if (change.kind === "removed") entry.set(value.filter((one) => one.project_id !== change.project_id));
  else if (change.kind === "changed" && value.some((one) => one.project_id === change.project.project_id))
    entry.set(value.map((one) => (one.project_id === change.project.project_id ? change.project : one)));
}

/** One that was deleted and made again begins at revision 1 once more. */
function isNewer(project: Project, { status, value }: Snapshot<Project>): boolean {
  if (value === undefined || status === "failed") return true;
  if (value.created_at !== project.created_at) return project.created_at > value.created_at;
  return project.revision > value.revision;
}
