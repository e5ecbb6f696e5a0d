const PREFIX = "stagefold.watch.";

/**
 * Which projects the tabs of this browser look at. A tab says so by holding a shared lock with the project's name: the
 * browser lets go of it when the tab is gone, however it went.
 */
export interface Interest {
  /** Says that this tab looks at the project, until the answer is called. */
  hold(projectId: string, onHeld: () => void): () => void;
  /** Of all tabs. */
  all(): Promise<readonly string[]>;
}

export function sharedInterest(locks: LockManager): Interest {
  return {
    hold: (projectId, onHeld) => {
      const ending = new AbortController();
      const held = locks.request(PREFIX + projectId, { mode: "shared", signal: ending.signal }, () => {
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
    hold: (projectId, onHeld) => {
      held.push(projectId);
      onHeld();
      return () => held.splice(held.indexOf(projectId), 1);
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
