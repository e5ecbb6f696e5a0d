import { StagefoldError } from "@stagefold/core";

/** Callers that are remembered; those that asked longest ago are forgotten first, with a full bucket. */
const MAX_CALLERS = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each caller: so many requests a minute, a tenth of them at once. */
export class RateLimit {
  readonly #perMs: number;
  readonly #size: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** `now` gives monotonic milliseconds. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMs = perMinute / 60_000;
    this.#size = Math.max(1, Math.ceil(perMinute / 10));
    this.#now = now;
  }

  /** Takes one request of the caller. Errors: RATE_LIMITED, with the seconds until there is another one. */
  take(caller: string): void {
    const now = this.#now();
    const known = this.#buckets.get(caller);
    const tokens = known ? Math.min(this.#size, known.tokens + (now - known.at) * this.#perMs) : this.#size;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > MAX_CALLERS) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    if (tokens >= 1) return;
    const retry_after = Math.max(1, Math.ceil((1 - tokens) / this.#perMs / 1000));
    throw new StagefoldError("RATE_LIMITED", `Too many requests; the next may come in ${retry_after} s.`, {
      retry_after,
    });
  }
}
