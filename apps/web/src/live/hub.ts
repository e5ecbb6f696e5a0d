import { logKey, type WatchLog } from "@stagefold/client";
import type { StagefoldClient } from "../lib/api.ts";
import { type Interest, nameOfLog, ownInterest, sharedInterest, until } from "./interest.ts";
import { type Connection, Leader, type LiveEvent } from "./leader.ts";

const CHANNEL = "stagefold.live";
const LEADER_LOCK = "stagefold.leader";

/** Between tabs: the leader passes events on, the others announce that they are there or watch something else. */
type Message = { readonly kind: "event"; readonly event: LiveEvent } | { readonly kind: "interest" };

/**
 * What happens on the server, for this tab. One tab of the browser, the leader, has the event stream and passes its
 * events on; when it is closed, another takes over. A browser without locks or channels has a stream for each tab.
 */
export class LiveHub {
  readonly #api: StagefoldClient;
  readonly #locks: LockManager | undefined =
    typeof BroadcastChannel === "undefined" ? undefined : navigator.locks;
  readonly #interest: Interest = this.#locks ? sharedInterest(this.#locks) : ownInterest();
  readonly #listeners = new Set<(event: LiveEvent) => void>();
  readonly #watched = new Map<string, { count: number; release: () => void }>();
  readonly #cursors = new Map<string, string>();
  #channel: BroadcastChannel | undefined;
  #leader: Leader | undefined;
  #connection: Connection = "connecting";

  constructor(api: StagefoldClient) {
    this.#api = api;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Begins; the answer ends it. */
  start(): () => void {
    const ending = new AbortController();
    if (this.#locks) this.#join(this.#locks, ending.signal);
    else this.#lead(false);
    return () => {
      ending.abort();
      this.#leader?.end();
      this.#leader = undefined;
      this.#channel?.close();
      this.#channel = undefined;
    };
  }

  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every state of this project is an event, the present one at once, until the answer is called. */
  watch(projectId: string): () => void {
    const known = this.#watched.get(projectId);
    if (known) known.count += 1;
    else {
      const release = this.#interest.hold(projectId, () => this.#interestChanged());
      this.#watched.set(projectId, { count: 1, release });
    }
    return () => this.#unwatch(projectId);
  }

  /** For `followLog`: every change of the log that the stream brings is an event. */
  readonly watchLog: WatchLog = (log, onChange) => {
    const unsubscribe = this.subscribe((event) => {
      if (event.kind !== "change") return;
      const { change } = event;
      if (change.kind === "log" && logKey(change) === logKey(log)) onChange(change);
    });
    const release = this.#interest.hold(nameOfLog(log), () => this.#interestChanged());
    return () => {
      unsubscribe();
      release();
      this.#interestChanged();
    };
  };

  #unwatch(projectId: string): void {
    const known = this.#watched.get(projectId);
    if (!known) return;
    known.count -= 1;
    if (known.count > 0) return;
    this.#watched.delete(projectId);
    known.release();
    this.#interestChanged();
  }

  #interestChanged(): void {
    this.#leader?.pollSoon();
    this.#post({ kind: "interest" });
  }

  #join(locks: LockManager, signal: AbortSignal): void {
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data);
    // The leader answers with how it stands.
    this.#post({ kind: "interest" });
    let waited = false;
    const leading = locks.request(LEADER_LOCK, { ifAvailable: true }, (lock) => {
      waited = lock === null;
      return lock && this.#leadUntil(signal, false);
    });
    void leading.then(() => {
      if (!waited || signal.aborted) return undefined;
      return locks
        .request(LEADER_LOCK, { signal }, () => this.#leadUntil(signal, true))
        .catch((error: unknown) => {
          // This tab was closed before its turn came.
          if (!signal.aborted) throw error;
        });
    });
  }

  async #leadUntil(signal: AbortSignal, takesOver: boolean): Promise<void> {
    if (signal.aborted) return;
    this.#lead(takesOver);
    await until(signal);
  }

  #lead(takesOver: boolean): void {
    this.#leader = new Leader({
      interest: this.#interest,
      watchMany: this.#api.projects.watchMany,
      emit: (event) => {
        this.#emit(event);
        this.#post({ kind: "event", event });
      },
      cursors: this.#cursors,
      takesOver,
    });
  }

  #receive(message: Message): void {
    if (message.kind === "event") this.#emit(message.event);
    else if (this.#leader) {
      this.#leader.pollSoon();
      const { connection } = this.#leader;
      if (connection !== "connecting")
        this.#post({ kind: "event", event: { kind: "connection", connection } });
    }
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #emit(event: LiveEvent): void {
    if (event.kind === "connection") {
      if (event.connection === this.#connection) return;
      this.#connection = event.connection;
    } else if (event.kind === "change" && event.change.kind === "log" && event.change.from !== null)
      this.#cursors.set(logKey(event.change), event.change.cursor);
    for (const listener of this.#listeners)
      try {
        listener(event);
      } catch (error) {
        // A mistake of one keeps the event from no other, and does not end the stream.
        reportError(error);
      }
  }
}
