import { feedRow } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { ChangeFeed, RowChange, Unsubscribe } from "../ports/change-feed.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import { fromTime } from "../snapshot/time.ts";
import type { MemoryProjectStore } from "./project-store.ts";

/** Work that is due so soon wakes workers too. */
const SOON_MS = 1000;

/** The changes of a memory store, at once. A listener is called after the write has ended, and its errors are its own. */
export class MemoryChangeFeed implements ChangeFeed {
  readonly #store: MemoryProjectStore;
  readonly #clock: Clock;

  constructor(store: MemoryProjectStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  watchProject(projectId: string, listener: (item: Item | undefined) => void): Unsubscribe {
    return this.#subscribe((id, item) => {
      if (id === projectId) listener(item);
    });
  }

  watchRows(listener: (changes: readonly RowChange[]) => void): Unsubscribe {
    return this.#subscribe((project_id, item) => {
      listener([item ? { kind: "changed", row: feedRow(item) } : { kind: "deleted", project_id }]);
    });
  }

  watchWork(listener: () => void): Unsubscribe {
    return this.#subscribe((_id, item) => {
      const due = item?.work_queue !== undefined && item.work_due_at;
      if (typeof due === "string" && fromTime(due) <= this.#clock.now() + SOON_MS) listener();
    });
  }

  #subscribe(call: (projectId: string, item: Item | undefined) => void): Unsubscribe {
    let open = true;
    const stop = this.#store.onWrite((id, item) => {
      queueMicrotask(() => {
        if (open) call(id, item);
      });
    });
    return () => {
      open = false;
      stop();
    };
  }
}
