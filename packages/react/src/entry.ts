/** What is known of something that is watched. The same object until something changes. */
export type Snapshot<T> =
  | { readonly status: "loading"; readonly value: undefined; readonly error: undefined }
  | { readonly status: "ready"; readonly value: T; readonly error: undefined }
  /** `value` is what was known before. */
  | { readonly status: "failed"; readonly value: T | undefined; readonly error: Error };

export const LOADING = { status: "loading", value: undefined, error: undefined } as const;

/** Between one reader that leaves and the next that comes: StrictMode, a change of pages. Milliseconds. */
const LINGER_MS = 1000;
/** A render that is thrown away reads without subscribing. Milliseconds. */
const UNREAD_MS = 30_000;

/**
 * Something that is watched while it has readers. The first one begins it; it ends a second after the last one has
 * left, and is then forgotten.
 */
export class Entry<T> {
  /** Reads it anew, where what began it knows how. */
  refresh: () => void = () => undefined;
  #snapshot: Snapshot<T> = LOADING;
  readonly #listeners = new Set<() => void>();
  readonly #begin: (entry: Entry<T>) => () => void;
  readonly #keep: (isKept: boolean) => void;
  #end: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settled: { readonly promise: Promise<T>; readonly settle: (snapshot: Snapshot<T>) => void } | undefined;

  /** `keep`: called when it is begun, and when it is over. */
  constructor(begin: (entry: Entry<T>) => () => void, keep: (isKept: boolean) => void) {
    this.#begin = begin;
    this.#keep = keep;
    this.#leave(UNREAD_MS);
  }

  readonly read = (): Snapshot<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#start();
    clearTimeout(this.#timer);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#leave(LINGER_MS);
    };
  };

  /**
   * The first value, or the error in its place: the same promise on every render, until what had failed is there after
   * all. Begins the watch.
   */
  settled(): Promise<T> {
    this.#start();
    if (this.#settled) return this.#settled.promise;
    let settle: (snapshot: Snapshot<T>) => void = () => undefined;
    let isSettled = false;
    const promise = new Promise<T>((resolve, reject) => {
      settle = ({ status, value, error }) => {
        if (status === "loading" || isSettled) return;
        isSettled = true;
        // React reads these: `use` does not wait for a promise that says what it was settled with.
        if (status === "ready") Object.assign(promise, { status: "fulfilled", value });
        else Object.assign(promise, { status: "rejected", reason: error });
        if (status === "ready") resolve(value);
        else reject(error);
      };
    });
    // Its reader may be gone before it is refused.
    promise.catch(() => undefined);
    this.#settled = { promise, settle };
    settle(this.#snapshot);
    return promise;
  }

  set(value: T): void {
    this.#change({ status: "ready", value, error: undefined });
  }

  fail(error: Error): void {
    this.#change({ status: "failed", value: this.#snapshot.value, error });
  }

  #change(snapshot: Snapshot<T>): void {
    if (snapshot.status === "ready" && this.#snapshot.status === "failed") this.#settled = undefined;
    this.#snapshot = snapshot;
    this.#settled?.settle(snapshot);
    for (const listener of this.#listeners) listener();
  }

  #start(): void {
    if (this.#end) return;
    this.#keep(true);
    this.#end = this.#begin(this);
  }

  #leave(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A component that is suspended subscribes once there is something to show.
      if (this.#settled && this.#snapshot.status === "loading") return this.#leave(ms);
      this.#end?.();
      this.#end = undefined;
      this.#keep(false);
    }, ms);
  }
}

/** One entry for each key, while it has readers. */
export function entryIn<T>(
  entries: Map<string, Entry<T>>,
  key: string,
  begin: (entry: Entry<T>) => () => void,
): Entry<T> {
  const known = entries.get(key);
  if (known) return known;
  const made: Entry<T> = new Entry<T>(begin, (isKept) => {
    if (isKept) entries.set(key, made);
    else if (entries.get(key) === made) entries.delete(key);
  });
  entries.set(key, made);
  return made;
}
