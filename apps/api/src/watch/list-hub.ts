import { type ProjectChange, type Repository, summaryOf } from "@stagefold/core";
import { ChangeLog } from "./change-log.ts";
import { LatestValue } from "./latest-value.ts";
import { type ListChange, type ListEvent, type NumberedChange, projectIdOf } from "./list-event.ts";
import { type ListFilter, standing } from "./list-filter.ts";
import { ListWindow } from "./list-window.ts";

export interface ListHubOptions {
  /** How often the lists are read, for what other processes write. Milliseconds. */
  readonly listPollMs?: number;
  /** Hears of reads that failed and will be tried again. */
  readonly onError?: (error: unknown) => void;
}

/** How long after its last reader what is known is still good enough to go on from. Milliseconds. */
const KEEP_MS = 60_000;
/** Changes that wait for a slow reader; with more than that it is told to read the list again. */
const WAITING_AT_MOST = 500;

/** By project: a later change of the same project takes the place of the earlier. `missed`: there were too many. */
interface Waiting {
  readonly changes: ReadonlyMap<string, NumberedChange>;
  readonly missed: boolean;
}

/** One run of the poller, from the first reader to the last. */
interface Poll {
  timer?: NodeJS.Timeout;
  stopped: boolean;
}

/** Who watches lists. All of them share one window on the projects, which is kept up to date while anybody watches. */
export class ListHub {
  readonly #repository: Repository;
  readonly #pollMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #log = new ChangeLog();
  readonly #readers = new Set<LatestValue<Waiting>>();
  #window: ListWindow;
  #leftAt = Number.NEGATIVE_INFINITY;
  #running: { stop: () => void } | undefined;

  constructor(repository: Repository, options: ListHubOptions = {}) {
    this.#repository = repository;
    this.#pollMs = options.listPollMs ?? 1500;
    this.#onError = options.onError ?? (() => undefined);
    this.#window = new ListWindow(repository.store);
  }

  /** Open watches. */
  get open(): number {
    return this.#readers.size;
  }

  /** The id of the newest change: a reader that begins now begins after it. */
  get place(): string {
    return this.#log.id();
  }

  /** Changes of the projects that pass the filter, from now on or after the event of an id. Ends with the signal. */
  async *watch(
    filter: ListFilter,
    options: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ListEvent, void, undefined> {
    this.#start();
    const reader = new LatestValue<Waiting>(merged);
    this.#readers.add(reader);
    try {
      const missed = options.after === undefined ? [] : this.#log.after(options.after);
      if (missed === undefined) yield { id: this.#log.id(), change: { kind: "reset" } };
      else if (missed.length > 0) reader.put(missed.map(waitingFor).reduce(merged));
      for (;;) {
        const waiting = await reader.take(options.signal);
        if (!waiting) return;
        if (waiting.missed) yield { id: this.#log.id(), change: { kind: "reset" } };
        for (const { number, change } of waiting.changes.values()) {
          const seen = throughFilter(change, filter);
          if (seen) yield { id: this.#log.id(number), change: seen };
        }
      }
    } finally {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#stop();
    }
  }

  #start(): void {
    if (this.#running) return;
    const now = performance.now();
    if (now - this.#leftAt > KEEP_MS) {
      this.#log.forget();
      this.#window = new ListWindow(this.#repository.store);
    }
    const poll: Poll = { stopped: false };
    const unlisten = this.#repository.onChange((change) => this.#see(change));
    this.#running = {
      stop: () => {
        poll.stopped = true;
        clearTimeout(poll.timer);
        unlisten();
      },
    };
    void this.#poll(poll);
  }

  #stop(): void {
    this.#running?.stop();
    this.#running = undefined;
    this.#leftAt = performance.now();
  }

  async #poll(poll: Poll): Promise<void> {
    try {
      const changes = await this.#window.read();
      for (const change of changes) this.#tell(change);
    } catch (error) {
      this.#onError(error);
    }
    if (poll.stopped) return;
    poll.timer = setTimeout(() => void this.#poll(poll), this.#pollMs);
    poll.timer.unref();
  }

  #see(change: ProjectChange): void {
    const seen =
      change.kind === "changed"
        ? this.#window.see(summaryOf(change.project))
        : this.#window.gone(change.project_id);
    if (seen) this.#tell(seen);
  }

  #tell(change: Exclude<ListChange, { kind: "reset" }>): void {
    const waiting = waitingFor(this.#log.add(change));
    for (const reader of this.#readers) reader.put(waiting);
  }
}

function waitingFor(change: NumberedChange): Waiting {
  return { changes: new Map([[projectIdOf(change), change]]), missed: false };
}

function merged(waiting: Waiting, next: Waiting): Waiting {
  const changes = new Map(waiting.changes);
  for (const [id, change] of next.changes) {
    changes.delete(id);
    changes.set(id, change);
  }
  if (changes.size > WAITING_AT_MOST) return { changes: new Map(), missed: true };
  return { changes, missed: waiting.missed || next.missed };
}

function throughFilter(change: NumberedChange["change"], filter: ListFilter): ListChange | undefined {
  if (change.kind === "removed") return change;
  switch (standing(change.project, filter)) {
    case "in":
      return change;
    case "out":
      return { kind: "removed", project_id: change.project.project_id };
    case "never":
      return undefined;
  }
}
