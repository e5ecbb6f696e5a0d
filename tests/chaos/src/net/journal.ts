import type { Item } from "@stagefold/core";

/** What a write says of itself, as its sender made it. */
export interface WriteRequest {
  readonly operation: "PutItem" | "UpdateItem" | "DeleteItem";
  readonly project_id: string;
  /** Whether a reader can see it: heartbeats leave the revision alone. */
  readonly visible: boolean;
  /** The lease that its sender took for its own. */
  readonly token: number | undefined;
  /** The number that a lease owner gave it; heartbeats have none. */
  readonly seq: number | undefined;
}

/** A write as it went to the engine. Times are of the monotonic clock, in milliseconds. */
export interface Write extends WriteRequest {
  /** Who sent it. */
  readonly via: string;
  readonly sentAt: number;
  answeredAt: number;
  /**
   * What the engine made of it. `unknown`: it ended without a word, and the write may have taken effect. `wrong`: the
   * engine found fault with the request itself.
   */
  outcome: "unknown" | "accepted" | "refused" | "wrong";
  /** The item after it; of a delete, the one before it. */
  item: Item | undefined;
  /** What the engine said of a request that is wrong. */
  answer?: string;
}

/** What is known of a project from earlier: the item when it was last found in order, `null` if it was deleted. */
export type Settled = Item | null | undefined;

/**
 * Every write that an engine saw, with what it answered. It stands on the engine's side of the network: a reply that
 * got lost on its way to the sender is here.
 */
export class Journal {
  readonly #writes = new Map<string, Write[]>();
  readonly #settled = new Map<string, Item | null>();
  total = 0;

  sent(via: string, request: WriteRequest): Write {
    const at = performance.now();
    const write: Write = {
      ...request,
      via,
      sentAt: at,
      answeredAt: at,
      outcome: "unknown",
      item: undefined,
    };
    const writes = this.#writes.get(request.project_id);
    if (writes) writes.push(write);
    else this.#writes.set(request.project_id, [write]);
    this.total += 1;
    return write;
  }

  /** It never reached the engine: nothing listened there. */
  unsent(write: Write): void {
    const writes = this.#writes.get(write.project_id) ?? [];
    this.#writes.set(
      write.project_id,
      writes.filter((other) => other !== write),
    );
    this.total -= 1;
  }

  /** Every project that was ever written to. */
  get projects(): readonly string[] {
    return [...new Set([...this.#settled.keys(), ...this.#writes.keys()])];
  }

  settledAt(projectId: string): Settled {
    return this.#settled.get(projectId);
  }

  /** Since the project was settled. */
  writesTo(projectId: string): readonly Write[] {
    return this.#writes.get(projectId) ?? [];
  }

  /** The project is over and in order: only what comes after this is looked at again. */
  settle(projectId: string, item: Item | undefined): void {
    this.#settled.set(projectId, item ?? null);
    this.#writes.delete(projectId);
  }

  /** The item that the last acknowledged write left. */
  latest(projectId: string): Item | undefined {
    let latest: Item | undefined;
    for (const { outcome, item } of this.writesTo(projectId))
      if (outcome === "accepted" && item && Number(item.revision) >= Number(latest?.revision ?? 0))
        latest = item;
    return latest;
  }
}
