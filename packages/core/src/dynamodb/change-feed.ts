import { feedRow, listRow, rowPasses } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { ChangeFeed, RowChange, Unsubscribe } from "../ports/change-feed.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import { canonicalJson } from "../snapshot/ids.ts";
import { PROJECT_STATUSES, type ProjectStatus } from "../snapshot/schema.ts";

export interface ChangeFeedOptions {
  /** Between two reads of a watched project, in milliseconds. */
  readonly projectPollMs?: number;
  /** Between two reads of the lists, in milliseconds. */
  readonly listPollMs?: number;
  /** Called with reads that failed and are tried again, and with errors of listeners. */
  readonly onError?: (error: unknown) => void;
}

/** How many of the newest projects in each state are read: more of those that change by themselves. */
const WINDOW: Readonly<Record<ProjectStatus, number>> = {
  pending: 100,
  queued: 200,
  building: 200,
  waiting: 100,
  paused: 100,
  completed: 50,
  failed: 50,
  cancelled: 50,
};
const MAX_BACK_OFF_MS = 15_000;

type ProjectListener = (item: Item | undefined) => void;
type RowsListener = (changes: readonly RowChange[]) => void;

/**
 * What changes, found by asking: one read for each watched project, one query for each state while lists are watched,
 * however many subscribers there are. It does not tell of work: an idle worker's own look is as cheap.
 */
export class PollingChangeFeed implements ChangeFeed {
  readonly isPartial = true;
  readonly #store: ProjectStore;
  readonly #options: Required<ChangeFeedOptions>;
  readonly #projects = new Map<string, Poll<ProjectListener>>();
  #rows: Poll<RowsListener> | undefined;

  constructor(store: ProjectStore, options: ChangeFeedOptions = {}) {
    this.#store = store;
    this.#options = { projectPollMs: 700, listPollMs: 1500, onError: () => undefined, ...options };
  }

  watchProject(projectId: string, listener: ProjectListener): Unsubscribe {
    const { projectPollMs, onError } = this.#options;
    let poll = this.#projects.get(projectId);
    if (!poll) {
      const reader = new ProjectReader(this.#store, projectId);
      poll = new Poll(
        projectPollMs,
        async (notify) => {
          const change = await reader.read();
          if (change) notify((each) => each(change.item));
        },
        onError,
      );
      this.#projects.set(projectId, poll);
    }
    const own = poll;
    return own.add(listener, () => {
      if (this.#projects.get(projectId) === own) this.#projects.delete(projectId);
    });
  }

  watchRows(listener: RowsListener): Unsubscribe {
    if (!this.#rows) {
      const window = new ListWindow(this.#store);
      const read = async (notify: Notify<RowsListener>) => {
        const changes = await window.read();
        if (changes.length > 0) notify((each) => each(changes));
      };
      this.#rows = new Poll(this.#options.listPollMs, read, this.#options.onError);
    }
    const own = this.#rows;
    return own.add(listener, () => {
      if (this.#rows === own) this.#rows = undefined;
    });
  }

  watchWork(): Unsubscribe {
    return () => undefined;
  }
}

type Notify<L> = (call: (listener: L) => void) => void;

/** Reads again and again while it has listeners, more seldom while reads fail. */
class Poll<L> {
  readonly #everyMs: number;
  readonly #read: (notify: Notify<L>) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  /** Each subscription by its own mark: a listener may be there twice. */
  readonly #listeners = new Map<object, L>();
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    everyMs: number,
    read: (notify: Notify<L>) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#everyMs = everyMs;
    this.#read = read;
    this.#onError = onError;
  }

  add(listener: L, onLast: () => void): Unsubscribe {
    const mark = {};
    this.#listeners.set(mark, listener);
    if (this.#listeners.size === 1) void this.#run();
    return () => {
      if (!this.#listeners.delete(mark) || this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      onLast();
    };
  }

  async #run(): Promise<void> {
    try {
      await this.#read((call) => this.#notify(call));
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#onError(error);
    }
    if (this.#listeners.size === 0) return;
    const waitMs = Math.min(this.#everyMs * 2 ** Math.min(this.#failures, 10), MAX_BACK_OFF_MS);
    this.#timer = setTimeout(() => void this.#run(), Math.max(waitMs, this.#everyMs));
    this.#timer.unref();
  }

  #notify(call: (listener: L) => void): void {
    for (const [mark, listener] of [...this.#listeners]) {
      if (!this.#listeners.has(mark)) continue;
      try {
        call(listener);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/** One watched project. Reads may be a little behind; what they do not settle is read once more, strongly consistent. */
class ProjectReader {
  readonly #store: ProjectStore;
  readonly #projectId: string;
  #known: Item | undefined;
  #first = true;

  constructor(store: ProjectStore, projectId: string) {
    this.#store = store;
    this.#projectId = projectId;
  }

  /** The newest state if it differs from the last one. */
  async read(): Promise<{ readonly item: Item | undefined } | undefined> {
    const first = this.#first;
    let item = await this.#store.get(this.#projectId, { consistent: first });
    // Gone, or made again: no number says which of two is later.
    if (!first && item?.created_at !== this.#known?.created_at)
      item = await this.#store.get(this.#projectId, { consistent: true });
    else if (!first && !isLater(item, this.#known)) return undefined;
    const changed = first || isDifferent(item, this.#known);
    this.#known = item;
    this.#first = false;
    return changed ? { item } : undefined;
  }
}

function isDifferent(item: Item | undefined, known: Item | undefined): boolean {
  if (!item || !known) return item !== known;
  return item.created_at !== known.created_at || isLater(item, known);
}

/** Of one life of a project. An item in a legacy format has no revision: any difference counts. */
function isLater(item: Item | undefined, known: Item | undefined): boolean {
  const [now, before] = [item?.revision, known?.revision];
  if (typeof now === "number") return typeof before !== "number" || now > before;
  return typeof before !== "number" && canonicalJson(item) !== canonicalJson(known);
}

/** A project as a poll of the lists last saw it. */
interface Known {
  /** Canonical JSON of its rows. */
  readonly rows: string;
  /** The item that was read for them; undefined before the first read. */
  readonly item?: Item | undefined;
  /** The index still shows what was deleted. */
  readonly gone?: boolean;
}

/** What one poll found in the lists. */
interface Listed {
  /** Canonical JSON of the rows of each project. One that changes its state just now may be in two partitions. */
  readonly rows: ReadonlyMap<string, string>;
  /** Whether the item is older than what was looked at of its state, so that it need not be listed. */
  readonly isBeyond: (item: Item) => boolean;
}

/**
 * The newest projects of every state as they were last seen, and what changed since. A row of an index is no more than
 * a hint: an index may lag, and a row has no revision. Where one differs, the item is read, which no index is ahead of.
 */
class ListWindow {
  readonly #store: ProjectStore;
  readonly #known = new Map<string, Known>();
  #filled = false;

  constructor(store: ProjectStore) {
    this.#store = store;
  }

  /** What differs from what was known; the first time nothing. */
  async read(): Promise<RowChange[]> {
    const { rows: listed, isBeyond } = await this.#list();
    if (!this.#filled) {
      for (const [id, rows] of listed) this.#known.set(id, { rows });
      this.#filled = true;
      return [];
    }
    const differing = [...listed].filter(([id, rows]) => this.#known.get(id)?.rows !== rows);
    const unlisted = [...this.#known.keys()].filter((id) => !listed.has(id));
    const ids = [...differing.map(([id]) => id), ...unlisted];
    const items = await this.#store.getMany(ids, { consistent: true });
    const byId = new Map(items.map((item) => [String(item.project_id), item]));
    const changes = ids.flatMap((id) => this.#change(id, byId.get(id)) ?? []);
    for (const [id, rows] of differing) {
      const item = byId.get(id);
      this.#known.set(id, item ? { rows, item: marksOf(item) } : { rows, gone: true });
    }
    for (const id of unlisted) {
      const item = byId.get(id);
      // One that is between two partitions just now is listed again, or deleted: listeners are to learn of that too.
      if (item && !isBeyond(item)) this.#known.set(id, { rows: "", item: marksOf(item) });
      else this.#known.delete(id);
    }
    return changes;
  }

  #change(project_id: string, item: Item | undefined): RowChange | undefined {
    const known = this.#known.get(project_id);
    if (!item) return known === undefined || known.gone ? undefined : { kind: "deleted", project_id };
    return isDifferent(item, known?.item) ? { kind: "changed", row: feedRow(item) } : undefined;
  }

  async #list(): Promise<Listed> {
    const pages = await Promise.all(
      PROJECT_STATUSES.map(async (status) => {
        const { items, next } = await this.#store.list({ status, limit: WINDOW[status] });
        return { status, items, isWhole: next === undefined, last: String(items.at(-1)?.created_at ?? "~") };
      }),
    );
    const rows = new Map<string, string>();
    for (const row of pages.flatMap(({ items }) => items)) {
      const id = String(row.project_id);
      rows.set(id, (rows.get(id) ?? "") + canonicalJson(listRow(row)));
    }
    const isBeyond = (item: Item) => {
      const page = pages.find(({ status }) => rowPasses(item, { status }));
      return !page || (!page.isWhole && String(item.created_at) <= page.last);
    };
    return { rows, isBeyond };
  }
}

/** What tells which of two states is later. */
function marksOf({ project_id, created_at, revision }: Item): Item {
  return { project_id, created_at, revision };
}
