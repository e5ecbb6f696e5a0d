import { type LogRef, logKey } from "@stagefold/client";

const PREFIX = "stagefold.watch.";

/**
 * What the tabs of this browser look at: projects, by their ids, and logs, by `nameOfLog`. A tab says so by holding a
 * shared lock with the name: the browser lets go of it when the tab is gone, however it went.
 */
export interface Interest {
  /** Says that this tab looks at it, until the answer is called. */
  hold(name: string, onHeld: () => void): () => void;
  /** Of all tabs. */
  all(): Promise<readonly string[]>;
}

/** A log, and where the tab that looks at it had read it. */
export interface WatchedLog extends LogRef {
  readonly cursor: string;
}

export function nameOfLog(log: WatchedLog): string {
  return `${logKey(log)} ${log.cursor}`;
}

/** Undefined for the name of a project. */
export function logOfName(name: string): WatchedLog | undefined {
  const [project_id = "", stage, attempt, cursor] = name.split(" ");
  if (stage === undefined || cursor === undefined) return undefined;
  return { project_id, stage, attempt: Number(attempt), cursor };
}

export function sharedInterest(locks: LockManager): Interest {
  return {
    hold: (name, onHeld) => {
      const ending = new AbortController();
      const held = locks.request(PREFIX + name, { mode: "shared", signal: ending.signal }, () => {
        onHeld();
        return until(ending.signal);
      });
      held.catch((error: unknown) => {
        // Let go of before it was granted.
        if (!ending.signal.aborted) throw error;
      });
      return () => ending.abort();
    },
    all: async () => {
      const { held = [] } = await locks.query();
      const names = held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
      return [...new Set(names)].sort();
    },
  };
}

/** Where a browser has no locks, each tab is alone. */
export function ownInterest(): Interest {
  const held: string[] = [];
  return {
    hold: (name, onHeld) => {
      held.push(name);
      onHeld();
      return () => held.splice(held.indexOf(name), 1);
    },
    all: async () => [...new Set(held)].sort(),
  };
}

/** Resolves when the signal is aborted. */
export function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
