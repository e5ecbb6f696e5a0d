import type { DueWork } from "@stagefold/core";
import type { Running } from "./running.ts";

/** Users whose last turn is remembered. */
const REMEMBERED = 10_000;

/**
 * Users take turns: next comes who has the fewest builds running, among those who was served the longest ago, among
 * those whose row stands first. So a thousand builds of one user delay another's by one build, not by a thousand.
 */
export class Turns {
  /** User to the number of the last turn; the longest ago first. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** The row whose turn it is. */
  next(rows: readonly DueWork[], running: Running): DueWork | undefined {
    const ranks = new Map<string, readonly [number, number]>();
    let best: { row: DueWork; rank: readonly [number, number] } | undefined;
    for (const row of rows) {
      const user = userOf(row);
      let rank = ranks.get(user);
      if (!rank) {
        rank = [running.ofUser(row.user_id), this.#served.get(user) ?? 0];
        ranks.set(user, rank);
      }
      if (!best || isBefore(rank, best.rank)) best = { row, rank };
    }
    return best?.row;
  }

  /** A build of this row's user was claimed. */
  served(row: DueWork): void {
    const user = userOf(row);
    this.#served.delete(user);
    this.#served.set(user, ++this.#turn);
    if (this.#served.size <= REMEMBERED) return;
    for (const oldest of this.#served.keys()) {
      this.#served.delete(oldest);
      return;
    }
  }
}

/** Builds without a user are as one user's. */
function userOf(row: DueWork): string {
  return row.user_id ?? "";
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] !== b[0] ? a[0] < b[0] : a[1] < b[1];
}
