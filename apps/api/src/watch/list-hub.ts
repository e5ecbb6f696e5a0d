import {
  canonicalJson,
  type Item,
  isNewerState,
  type ProjectChange,
  type ProjectFilter,
  type ProjectSummary,
  passesFilter,
  type RowChange,
  summaryOf,
  summaryOfRow,
  type Unsubscribe,
} from "@stagefold/core";
import { LatestValue } from "./latest-value.ts";
import type { WatchDeps } from "./project-hub.ts";

/** What the readers of a list get. `reset`: changes may have been missed, the list is to be read again. */
export type ListChange =
  | { readonly kind: "changed"; readonly project: ProjectSummary }
  | { readonly kind: "removed"; readonly project_id: string }
  | { readonly kind: "reset" };

export interface ListEvent {
  /** Names the event to a reader that comes back. */
  readonly id: string;
  readonly change: ListChange;
}

export type ListFilter = Omit<ProjectFilter, "since" | "until">;
type ProjectListChange = Exclude<ListChange, { kind: "reset" }>;

/** One change of any project, in the order in which it was seen. */
interface NumberedChange {
  readonly number: number;
  readonly change: ProjectListChange;
}

/** By project: a later change of the same project takes the place of the earlier. `missed`: there were too many. */
interface Waiting {
  readonly changes: ReadonlyMap<string, NumberedChange>;
  readonly missed: boolean;
}

/** The last state of a project that this hub has seen. */
interface Known {
  readonly created_at: string;
  readonly revision: number;
  /** Canonical JSON of the summary; undefined once it is deleted. */
  readonly text: string | undefined;
}

/** For so long after its last reader the hub follows the changes, for one that comes back. Milliseconds. */
const LINGER_MS = 10_000;
/** Changes that wait for a slow reader; with more than that the hub tells it to read the list again. */
const MAX_WAITING = 500;
const MAX_LOGGED = 1000;
const MAX_KNOWN = 10_000;

/** Watches of lists. All of them share one subscription to the changes of all projects. */
export class ListHub {
  readonly #deps: WatchDeps;
  readonly #readers = new Set<LatestValue<Waiting>>();
  readonly #known = new Map<string, Known>();
  #log = new ChangeLog();
  #unsubscribe: Unsubscribe | undefined;
  #lingering: NodeJS.Timeout | undefined;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
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
    const reader = new LatestValue<Waiting>(merged);
    this.#add(reader);
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
      this.#remove(reader);
    }
  }

  #add(reader: LatestValue<Waiting>): void {
    this.#readers.add(reader);
    clearTimeout(this.#lingering);
    if (this.#unsubscribe) return;
    const { repository, feed } = this.#deps;
    const unsubscribe = [
      repository.onChange((change) => this.#onOwnChange(change)),
      feed.watchRows((changes) => {
        for (const change of changes) this.#onRow(change);
      }),
    ];
    this.#unsubscribe = () => {
      for (const end of unsubscribe) end();
    };
  }

  #remove(reader: LatestValue<Waiting>): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      // What changes from here on is not seen: earlier places mean nothing any more.
      this.#log = new ChangeLog();
      this.#known.clear();
    }, LINGER_MS).unref();
  }

  #onOwnChange(change: ProjectChange): void {
    if (change.kind === "changed") this.#onState(summaryOf(change.project), change.project.revision);
    else this.#onDeleted(change.project_id);
  }

  #onRow(change: RowChange): void {
    if (change.kind === "changed") this.#onState(summaryOfRow(change.row), revisionOf(change.row));
    else this.#onDeleted(change.project_id);
  }

  /** Own writes and the feed tell of the same change, in any order: the higher revision wins. */
  #onState(project: ProjectSummary, revision: number | undefined): void {
    const known = this.#known.get(project.project_id);
    const { created_at } = project;
    // An item in a legacy format has no revision: what the feed says of it is as new as anything.
    if (known && revision !== undefined && !isNewerState({ created_at, revision }, known)) return;
    const text = canonicalJson(project);
    this.#remember(project.project_id, { created_at, revision: revision ?? 0, text });
    if (known?.text !== text) this.#notify({ kind: "changed", project });
  }

  #onDeleted(projectId: string): void {
    const known = this.#known.get(projectId);
    if (known && known.text === undefined) return;
    // No later state of this life follows; one of an earlier life is no news either.
    const created_at = known?.created_at ?? "";
    this.#remember(projectId, { created_at, revision: Number.POSITIVE_INFINITY, text: undefined });
    this.#notify({ kind: "removed", project_id: projectId });
  }

  #remember(projectId: string, known: Known): void {
    this.#known.delete(projectId);
    this.#known.set(projectId, known);
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN && !oldest.done) this.#known.delete(oldest.value);
  }

  #notify(change: ProjectListChange): void {
    const waiting = waitingFor(this.#log.add(change));
    for (const reader of this.#readers) reader.put(waiting);
  }
}

/** The last changes, for readers that come back. Its name tells them apart from those of another process. */
class ChangeLog {
  readonly #name = crypto.randomUUID().slice(0, 8);
  #last = 0;
  #changes: NumberedChange[] = [];

  add(change: ProjectListChange): NumberedChange {
    this.#last += 1;
    const numbered = { number: this.#last, change };
    this.#changes.push(numbered);
    if (this.#changes.length > 2 * MAX_LOGGED) this.#changes = this.#changes.slice(-MAX_LOGGED);
    return numbered;
  }

  /** The id of an event with this number, or of the present. */
  id(number = this.#last): string {
    return `${this.#name}-${number}`;
  }

  /** What came after the event of this id, or undefined when that cannot be said any more. */
  after(id: string): readonly NumberedChange[] | undefined {
    const [name, text] = id.split("-");
    const number = Number(text);
    if (name !== this.#name || !Number.isInteger(number) || number > this.#last) return undefined;
    const first = this.#changes[0]?.number ?? this.#last + 1;
    return number + 1 < first ? undefined : this.#changes.filter((change) => change.number > number);
  }
}

function revisionOf({ revision }: Item): number | undefined {
  return typeof revision === "number" ? revision : undefined;
}

function waitingFor(numbered: NumberedChange): Waiting {
  const { change } = numbered;
  const id = change.kind === "changed" ? change.project.project_id : change.project_id;
  return { changes: new Map([[id, numbered]]), missed: false };
}

function merged(waiting: Waiting, next: Waiting): Waiting {
  const changes = new Map(waiting.changes);
  for (const [id, change] of next.changes) {
    changes.delete(id);
    changes.set(id, change);
  }
  if (changes.size > MAX_WAITING) return { changes: new Map(), missed: true };
  return { changes, missed: waiting.missed || next.missed };
}

/** A project whose state or pipeline is not the list's any more may have been in it; any other never was. */
function throughFilter(change: ProjectListChange, filter: ListFilter): ListChange | undefined {
  if (change.kind === "removed" || passesFilter(change.project, filter)) return change;
  const wasPossible = passesFilter(change.project, { ...filter, status: undefined, pipeline: undefined });
  return wasPossible ? { kind: "removed", project_id: change.project.project_id } : undefined;
}
