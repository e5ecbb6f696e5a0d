import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../random.ts";

/** What happens to one request on its way. */
export type Fault =
  | { readonly kind: "none" }
  /** Lost before it reaches the engine. */
  | { readonly kind: "cut" }
  /** Takes effect, and its reply is lost. */
  | { readonly kind: "swallow" }
  /** Takes effect, and its sender waits in vain. */
  | { readonly kind: "silence" }
  /** Takes effect, and half of its reply arrives. */
  | { readonly kind: "half" }
  /** Its reply takes its time. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Its sender takes it for lost, and it reaches the engine later. `rewrite` changes what reaches it. */
  | { readonly kind: "hold"; readonly until: () => Promise<unknown>; readonly rewrite?: Rewrite }
  /** It reaches the engine a second time. */
  | { readonly kind: "repeat"; readonly until: () => Promise<unknown> };

export type Rewrite = (body: Buffer) => Buffer;
export type FaultKind = Exclude<Fault["kind"], "none">;
export const FAULT_KINDS = ["cut", "swallow", "silence", "half", "delay", "hold", "repeat"] as const;

/** Chooses for each request, in the order in which they come. */
export interface Faults {
  next(operation: string): Fault;
}

const NONE: Fault = { kind: "none" };

const DECK: readonly FaultKind[] = [
  ...(["cut", "cut", "swallow", "swallow", "swallow", "silence", "half", "half", "delay", "delay"] as const),
  ...(["hold", "hold", "repeat", "repeat"] as const),
];

/** A network in a bad hour. Quiet until `storm` is called. Deals its faults like cards, so that each kind has its turn. */
export class RandomFaults implements Faults {
  readonly counts = new Map<FaultKind, number>();
  readonly #random: Random;
  #probability = 0;
  #deck: FaultKind[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** From now on this share of all requests has a fault. */
  storm(probability: number): void {
    this.#probability = probability;
  }

  next(operation: string): Fault {
    const random = this.#random;
    const kind = random.chance(this.#probability) ? this.#deal(operation) : undefined;
    if (kind === undefined) return NONE;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const ms = random.between(20, kind === "delay" ? 900 : 3500);
    if (kind === "delay") return { kind, ms };
    return kind === "hold" || kind === "repeat" ? { kind, until: () => sleep(ms) } : { kind };
  }

  /** The next card that suits the operation; one of a kind that has not happened yet comes first, as a short run has few writes. */
  #deal(operation: string): FaultKind | undefined {
    if (this.#deck.length === 0) this.#deck = shuffled(DECK, this.#random);
    // A late create may bring back what was deleted meanwhile: nothing is promised of that.
    const suits = (kind: FaultKind) => operation === "UpdateItem" || (kind !== "hold" && kind !== "repeat");
    const isNew = this.#deck.findIndex((kind) => suits(kind) && !this.counts.has(kind));
    const at = isNew >= 0 ? isNew : this.#deck.findIndex(suits);
    return at < 0 ? undefined : this.#deck.splice(at, 1)[0];
  }
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

/** A network without a fault, but for those that a test asks for. */
export class ChosenFaults implements Faults {
  #chosen: { readonly operation: string; readonly fault: Fault } | undefined;

  /** Happens to the next request of this operation. */
  choose(operation: string, fault: Fault): void {
    this.#chosen = { operation, fault };
  }

  next(operation: string): Fault {
    if (this.#chosen?.operation !== operation) return NONE;
    const { fault } = this.#chosen;
    this.#chosen = undefined;
    return fault;
  }
}
