import type { Connection, LiveEvent } from "./events.ts";
import type { Interest } from "./interest.ts";
import type { followServer } from "./stream.ts";

/** A page that is left and the next that is opened are one change of what is looked at. Milliseconds. */
const SETTLE_MS = 30;
/** A tab that crashed says nothing. Milliseconds. */
const LOOK_MS = 15_000;

export interface LeaderOptions {
  readonly interest: Interest;
  /** Follows the server for these projects until the signal. */
  readonly follow: (
    projectIds: readonly string[],
    signal: AbortSignal,
    tell: (event: LiveEvent) => void,
  ) => ReturnType<typeof followServer>;
  readonly tell: (event: LiveEvent) => void;
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
    void this.#look();
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** A tab looks at something else now. */
  lookSoon(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), SETTLE_MS);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#stream?.abort();
  }

  async #look(): Promise<void> {
    const ids = await this.#options.interest.all();
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
    if (ids.join() === this.#ids?.join()) return;
    this.#ids = ids;
    void this.#open(ids);
  }

  /** The stream before goes on until the new one is there, so that nothing falls between them. */
  async #open(ids: readonly string[]): Promise<void> {
    const before = this.#stream;
    const mine = new AbortController();
    this.#stream = mine;
    let missed = before === undefined && this.#options.takesOver;
    const tell = (event: LiveEvent) => {
      if (mine.signal.aborted) return;
      if (event.kind === "connection") {
        if (event.connection === "online") before?.abort();
        this.#tellConnection(event.connection);
        if (event.connection === "online" && missed) {
          missed = false;
          this.#options.tell({ kind: "change", change: { kind: "reset" } });
        }
      } else this.#options.tell(event);
    };
    try {
      await this.#options.follow(ids, mine.signal, tell);
    } catch (error) {
      this.#tellConnection("lost");
      throw error;
    } finally {
      before?.abort();
    }
  }

  #tellConnection(connection: Connection): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#options.tell({ kind: "connection", connection });
  }
}
