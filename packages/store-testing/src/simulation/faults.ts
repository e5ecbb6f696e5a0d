import type { Random } from "./random.ts";

/** What may happen to a write on its way to the store and back. */
const WRITE_FAULTS = [
  "request_dropped",
  /** It took effect, and its sender gets STORE_UNAVAILABLE. */
  "reply_dropped",
  /** It arrives after its sender has given it up. */
  "delayed",
  /** It arrives once more, later. */
  "duplicated",
  /** The reply is lost and the client sends the same request again before it answers. */
  "resent",
  "throttled",
  /** It takes so long that others overtake it. */
  "slow",
  /** Its process stands still after it has decided and before it sends. */
  "held_up",
] as const;
const READ_FAULTS = ["request_dropped", "throttled", "stale_rows", "missing_rows"] as const;
const PROCESS_FAULTS = ["crashed", "stopped", "asleep", "clock_jumped", "drained"] as const;

export const FAULTS = [
  ...WRITE_FAULTS,
  "stale_rows",
  "missing_rows",
  "log_refused",
  ...PROCESS_FAULTS,
] as const;
export type Fault = (typeof FAULTS)[number];
export type WriteFault = (typeof WRITE_FAULTS)[number];
export type ReadFault = (typeof READ_FAULTS)[number];
export type ProcessFault = (typeof PROCESS_FAULTS)[number];
export type FaultCounts = Record<Fault, number>;

/** How often each happens at the most, of a hundred requests, or, to processes, of a hundred seconds. */
const AT_MOST: Readonly<Record<Fault, number>> = {
  request_dropped: 10,
  reply_dropped: 15,
  delayed: 12,
  duplicated: 20,
  resent: 15,
  throttled: 10,
  slow: 20,
  held_up: 6,
  stale_rows: 30,
  missing_rows: 30,
  log_refused: 8,
  crashed: 12,
  stopped: 12,
  asleep: 6,
  clock_jumped: 6,
  drained: 8,
};

/** Which faults a run has, and how often. Many runs have few of them: one alone may be what it takes. */
export class Weather {
  readonly counts: FaultCounts = noFaults();
  /** Requests that arrive although their senders no longer wait for them. */
  strays = 0;
  readonly #rates: Readonly<Record<Fault, number>>;
  readonly #random: Random;
  #calm = false;

  /** `given`: rates that are not left to chance, from 0 to 1. */
  constructor(random: Random, given: Partial<FaultCounts> = {}) {
    this.#random = random;
    const rates = noFaults();
    for (const fault of FAULTS) if (random.chance(0.5)) rates[fault] = (AT_MOST[fault] / 100) * random.next();
    this.#rates = { ...rates, ...given };
  }

  /** Nothing fails from now on. */
  calm(): void {
    this.#calm = true;
  }

  write(): WriteFault | undefined {
    return WRITE_FAULTS.find((fault) => this.#happens(fault));
  }

  read(): ReadFault | undefined {
    return READ_FAULTS.find((fault) => this.#happens(fault));
  }

  /** Within a second of a process's life. */
  process(): ProcessFault | undefined {
    return PROCESS_FAULTS.find((fault) => this.#happens(fault));
  }

  logRefused(): boolean {
    return this.#happens("log_refused");
  }

  /** Counted where a fault really made a difference. */
  hit(fault: Fault): void {
    this.counts[fault] += 1;
  }

  #happens(fault: Fault): boolean {
    return !this.#calm && this.#random.chance(this.#rates[fault]);
  }
}

export function noFaults(): FaultCounts {
  return {
    request_dropped: 0,
    reply_dropped: 0,
    delayed: 0,
    duplicated: 0,
    resent: 0,
    throttled: 0,
    slow: 0,
    held_up: 0,
    stale_rows: 0,
    missing_rows: 0,
    log_refused: 0,
    crashed: 0,
    stopped: 0,
    asleep: 0,
    clock_jumped: 0,
    drained: 0,
  };
}
