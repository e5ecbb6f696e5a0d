import type { ServerResponse } from "node:http";
import type { Principal } from "./principal.ts";

/** How often keys with something open are looked at again, for revocations by other processes. Milliseconds. */
const LOOK_EVERY_MS = 2500;

interface Exchange {
  readonly res: ServerResponse;
  readonly principal: Principal;
}

/** Answers that are still open, by who asked: when the credentials end, so do they. */
export class OpenExchanges {
  readonly #open = new Set<Exchange>();
  readonly #isValid: (principal: Principal) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** `isValid` may ask a store; where it fails the answers stay open until it answers again. `now`: epoch ms. */
  constructor(
    isValid: (principal: Principal) => Promise<boolean>,
    onError: (error: unknown) => void,
    now: () => number,
  ) {
    this.#isValid = isValid;
    this.#onError = onError;
    this.#now = now;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Keeps track of an answer until it is over. */
  add(principal: Principal, res: ServerResponse): void {
    if (principal.kind === "local") return;
    const exchange = { res, principal };
    this.#open.add(exchange);
    res.once("close", () => {
      this.#open.delete(exchange);
      if (this.#open.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  /** The answer that says that credentials have ended outlives them. */
  release(res: ServerResponse): void {
    for (const exchange of this.#open) if (exchange.res === res) this.#open.delete(exchange);
  }

  /** Ends what was opened with a key, or under a sign-in. */
  endOf(id: { readonly key_id: string } | { readonly session_id: string }): void {
    for (const { res, principal } of this.#open) {
      const isOver = "key_id" in id ? principal.key_id === id.key_id : principal.session_id === id.session_id;
      if (isOver) res.destroy();
    }
  }

  async #look(): Promise<void> {
    for (const { res, principal } of [...this.#open]) {
      try {
        const over = (principal.expires_at ?? Number.POSITIVE_INFINITY) <= this.#now();
        if (over || !(await this.#isValid(principal))) res.destroy();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
