import type { ManyChange, StagefoldClient } from "../lib/api.ts";
import type { Interest } from "./interest.ts";

/** `connecting` is before there ever was a connection. */
export type Connection = "connecting" | "online" | "lost";

export type LiveEvent =
  | { readonly kind: "change"; readonly change: ManyChange }
  | { readonly kind: "connection"; readonly connection: Connection };

/** Projects that one stream follows as a whole: so many the API allows. */
const MAX_WATCHED = 50;

/** A page that is left and the next that is opened are one change of what is looked at. Milliseconds. */
const SETTLE_MS = 30;
/** A tab that crashed says nothing. Milliseconds. */
const POLL_MS = 15_000;

export interface LeaderOptions {
  readonly interest: Interest;
  readonly watchMany: StagefoldClient["projects"]["watchMany"];
  readonly emit: (event: LiveEvent) => void;
  /** What came before this leader may have been missed by all. */
  readonly takesOver: boolean;
}

/** The one tab that holds the event stream, for all tabs of the browser. */
export class Leader {
  readonly #options: LeaderOptions;
  #connection: Connection = "connecting";
  #ids: readonly string[] | undefined;
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
    const ids = (await this.#options.interest.all()).slice(0, MAX_WATCHED);
    if (this.#ended) return;
    if (ids.join() === this.#ids?.join()) return;
    this.#ids = ids;
    void this.#open(ids);
  }

  /** The previous stream stays open until the new one is there, so that no event falls between them. */
  async #open(ids: readonly string[]): Promise<void> {
    const before = this.#stream;
    const stream = new AbortController();
    const { signal } = stream;
    this.#stream = stream;
    let missed = before === undefined && this.#options.takesOver;
    const onConnection = (state: "connected" | "lost") => {
      if (signal.aborted) return;
      this.#setConnection(state === "connected" ? "online" : "lost");
      if (state === "lost") return;
      before?.abort();
      if (missed) this.#options.emit({ kind: "change", change: { kind: "reset" } });
      missed = false;
    };
    const watch = this.#options.watchMany({ project_ids: [...ids] }, { signal, patient: true, onConnection });
    try {
      for await (const change of watch) this.#options.emit({ kind: "change", change });
    } catch {
      // Refused, so trying again at once is of no use: the page says that it is cut off, and the next poll tries.
      this.#ids = undefined;
      this.#setConnection("lost");
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
