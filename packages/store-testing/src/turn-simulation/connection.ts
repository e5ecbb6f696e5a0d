import {
  type Item,
  type RecordKey,
  type RecordPage,
  type RecordPatch,
  type RecordQuery,
  type RecordStore,
  StagefoldError,
  type Written,
} from "@stagefold/core";
import type { Random } from "../simulation/random.ts";
import type { Scheduler } from "../simulation/scheduler.ts";
import type { SimulatedProcess } from "./process.ts";

/** How often each fault happens to a request, 0 to 1. */
export interface RequestFaults {
  request_dropped: number;
  reply_lost: number;
  /** The reply is lost, and the same request is sent once more within the call, as an SDK does. */
  resent: number;
  /** The request takes effect a second time, later. */
  duplicated: number;
  /** The caller gives up, and the request takes effect later. */
  late: number;
}

export const REQUEST_FAULTS: RequestFaults = {
  request_dropped: 0.03,
  reply_lost: 0.04,
  resent: 0.04,
  duplicated: 0.04,
  late: 0.03,
};

const TIMEOUT_MS = 1000;
const LATEST_MS = 12_000;

/** The weather over all connections. */
export class Weather {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly counts = new Map<string, number>();
  /** Requests that may still take effect. */
  strays = 0;
  #rates: RequestFaults;

  constructor(random: Random, scheduler: Scheduler, rates: RequestFaults) {
    this.random = random;
    this.scheduler = scheduler;
    this.#rates = rates;
  }

  calm(): void {
    this.#rates = { request_dropped: 0, reply_lost: 0, resent: 0, duplicated: 0, late: 0 };
  }

  next(): keyof RequestFaults | undefined {
    const names = ["request_dropped", "reply_lost", "resent", "duplicated", "late"] as const;
    const fault = names.find((name) => this.random.chance(this.#rates[name]));
    if (fault) this.hit(fault);
    return fault;
  }

  hit(fault: string): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }

  later(ms: number, run: () => void): void {
    this.strays += 1;
    this.scheduler.after(ms, () => {
      this.strays -= 1;
      run();
    });
  }
}

/** A record store as one process reaches it. */
export class Connection implements RecordStore {
  readonly #store: RecordStore;
  readonly #process: SimulatedProcess;
  readonly #weather: Weather;

  constructor(store: RecordStore, process: SimulatedProcess, weather: Weather) {
    this.#store = store;
    this.#process = process;
    this.#weather = weather;
  }

  async write(patch: RecordPatch): Promise<Written> {
    const { random } = this.#weather;
    const fault = this.#weather.next();
    await this.#process.sleep(random.between(1, 15));
    if (fault === "request_dropped") return await this.#unanswered();
    if (fault === "late") {
      this.#weather.later(random.between(TIMEOUT_MS, LATEST_MS), () => void this.#store.write(patch));
      return await this.#unanswered();
    }
    const written = await this.#store.write(patch);
    if (fault === "duplicated")
      this.#weather.later(random.between(1, LATEST_MS), () => void this.#store.write(patch));
    if (fault === "reply_lost") return await this.#unanswered();
    await this.#process.sleep(random.between(1, 15));
    if (fault !== "resent") return written;
    const again = await this.#store.write(patch);
    await this.#process.sleep(random.between(1, 15));
    return again;
  }

  async get(key: RecordKey): Promise<Item | undefined> {
    return await this.#read(() => this.#store.get(key));
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    return await this.#read(() => this.#store.query(query));
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    const { random } = this.#weather;
    const fault = this.#weather.next();
    await this.#process.sleep(random.between(1, 15));
    if (fault === "request_dropped" || fault === "reply_lost") return await this.#unanswered();
    const answer = await read();
    await this.#process.sleep(random.between(1, 15));
    return answer;
  }

  async #unanswered(): Promise<never> {
    await this.#process.sleep(TIMEOUT_MS);
    throw new StagefoldError("STORE_UNAVAILABLE", "no answer", { retry_after: 1 });
  }
}
