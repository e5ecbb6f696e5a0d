import type { DueWork } from "../ports/index.ts";

/** The first wait after a failed claim, after a stage that could not be run, and the longest one, in milliseconds. */
const FIRST_MS = 10_000;
const FIRST_NOT_RUN_MS = 1000;
const LAST_MS = 10 * 60_000;
const MAX_ENTRIES = 10_000;

interface Entry {
  readonly times: number;
  readonly until: number;
  readonly hadError: boolean;
}

/** A claim that did not succeed, as it is counted. */
export interface FailedClaim {
  /** In a row. */
  readonly times: number;
  /** Its first error, or its second refusal: a first refusal is usual, for another worker was quicker. */
  readonly isNews: boolean;
}

/**
 * Rows of the work index that this process leaves alone for a while, each time twice as long: another worker was
 * quicker, the row is outdated (an index may keep one forever), the item cannot be read or claimed, or its stage could
 * not be run here. What is behind such a row in the queue is claimed meanwhile.
 */
export class ClaimBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** `now` gives monotonic milliseconds. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** The claim of this row was refused, or failed with an error. */
  add(row: DueWork, error?: unknown): FailedClaim {
    const key = keyOf(row);
    const hadError = this.#entries.get(key)?.hadError ?? false;
    const times = this.#add(key, FIRST_MS, hadError || error !== undefined);
    return { times, isNews: !hadError && (error !== undefined || times === 2) };
  }

  /** Nothing of this project is claimed for a while, whenever it is due. */
  addProject(projectId: string): void {
    this.#add(projectId, FIRST_NOT_RUN_MS, false);
  }

  /** The project's stage ran: the next failure begins with the first wait again. */
  clearProject(projectId: string): void {
    this.#entries.delete(projectId);
  }

  has(row: DueWork): boolean {
    const now = this.#now();
    return this.#until(keyOf(row)) > now || this.#until(row.project_id) > now;
  }

  #until(key: string): number {
    return this.#entries.get(key)?.until ?? 0;
  }

  #add(key: string, firstMs: number, hadError: boolean): number {
    const times = (this.#entries.get(key)?.times ?? 0) + 1;
    const until = this.#now() + Math.min(LAST_MS, firstMs * 2 ** (times - 1));
    // Added last, so that the first entry is the oldest one.
    this.#entries.delete(key);
    this.#entries.set(key, { times, until, hadError });
    if (this.#entries.size > MAX_ENTRIES)
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    return times;
  }
}

/** Each claim and each renewal of a lease moves the due time: the row is then a new one. */
function keyOf({ project_id, work_due_at }: DueWork): string {
  return `${project_id} ${work_due_at}`;
}
