import { logKey, unreadLog, WATCHED } from "@stagefold/client";
import type { ManyChange, StagefoldClient } from "../lib/api.ts";
import { type Interest, logOfName, type WatchedLog } from "./interest.ts";

/** `connecting` is before there ever was a connection. */
export type Connection = "connecting" | "online" | "lost";

export type LiveEvent =
  | { readonly kind: "change"; readonly change: ManyChange }
  | { readonly kind: "connection"; readonly connection: Connection }
  /** The API did not give this page a stream: the reader's session may be over. */
  | { readonly kind: "refused" };

/** A page that is left and the next that is opened are one change of what is looked at. Milliseconds. */
const SETTLE_MS = 30;
/** A tab that crashed says nothing. Milliseconds. */
const POLL_MS = 15_000;

export interface LeaderOptions {
  readonly interest: Interest;
  readonly watchMany: StagefoldClient["projects"]["watchMany"];
  readonly emit: (event: LiveEvent) => void;
  /** Where each log is that a stream has brought, by `logKey`: the next stream continues there. */
  readonly cursors: Map<string, string>;
  /** What came before this leader may have been missed by all. */
  readonly takesOver: boolean;
}

/** The one tab that holds the event stream, for all tabs of the browser. */
export class Leader {
  readonly #options: LeaderOptions;
  #connection: Connection = "connecting";
  /** What the stream is for; undefined when there is none. */
  #followed: string | undefined;
  #stream: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    void this.#poll();
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** A tab watches something else now. */
  pollSoon(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), SETTLE_MS);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#stream?.abort();
  }

  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
    const names = await this.#options.interest.all();
    if (this.#ended) return;
    const ids = names.filter((name) => !logOfName(name)).slice(0, WATCHED.projects);
    const logs = this.#logsOf(names);
    const followed = [...ids, ...logs.map(logKey)].join();
    if (followed === this.#followed) return;
    this.#followed = followed;
    void this.#open(ids, logs);
  }

  /** Each log once, where the last stream was, or else where one of its readers is. */
  #logsOf(names: readonly string[]): readonly WatchedLog[] {
    const { cursors } = this.#options;
    const logs = new Map<string, WatchedLog>();
    for (const log of names.flatMap((name) => logOfName(name) ?? []))
      logs.set(logKey(log), { ...log, cursor: cursors.get(logKey(log)) ?? log.cursor });
    for (const key of cursors.keys()) if (!logs.has(key)) cursors.delete(key);
    return [...logs.values()];
  }

  /** The previous stream stays open until the new one is there, so that no event falls between them. */
  async #open(ids: readonly string[], all: readonly WatchedLog[]): Promise<void> {
    const before = this.#stream;
    const stream = new AbortController();
    const { signal } = stream;
    this.#stream = stream;
    const { emit, watchMany } = this.#options;
    let missed = before === undefined && this.#options.takesOver;
    const onConnection = (state: "connected" | "lost") => {
      if (signal.aborted) return;
      this.#setConnection(state === "connected" ? "online" : "lost");
      if (state === "lost") return;
      before?.abort();
      if (missed) emit({ kind: "change", change: { kind: "reset" } });
      missed = false;
    };
    const logs = all.slice(0, WATCHED.logs);
    const left = all.slice(WATCHED.logs);
    const input = { project_ids: [...ids], logs: [...logs] };
    try {
      for await (const change of watchMany(input, { signal, patient: true, onConnection })) {
        emit({ kind: "change", change });
        if (change.kind === "project")
          for (const log of left)
            if (log.project_id === change.project.project_id)
              emit({ kind: "change", change: unreadLog(log) });
      }
    } catch {
      // Refused, so trying again at once is of no use: the page says that it is cut off, and the next poll tries.
      this.#followed = undefined;
      this.#setConnection("lost");
      emit({ kind: "refused" });
    } finally {
      before?.abort();
    }
  }

  #setConnection(connection: Connection): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#options.emit({ kind: "connection", connection });
  }
}
