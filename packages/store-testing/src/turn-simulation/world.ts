import {
  MemoryRecordStore,
  type RecordStore,
  readSession,
  type Session,
  sessionKey,
  type Turn,
} from "@stagefold/core";
import { Random } from "../simulation/random.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { REQUEST_FAULTS, type RequestFaults, Weather } from "./connection.ts";
import { type TurnViolation, type TurnViolationKind, type TurnWeakness, WatchedRecords } from "./watch.ts";

export interface TurnSimulationOptions {
  readonly seed: number;
  readonly rates?: Partial<RequestFaults>;
  readonly weakness?: TurnWeakness;
  /** The store that all processes write to; in memory unless given. */
  readonly store?: RecordStore;
}

/** What one run of an agent said, and how much of it was acknowledged. */
export interface RunLog {
  readonly session_id: string;
  readonly turn: number;
  runs: number;
  emitted: string;
  checkpointed: string;
}

/** What all parts of one simulation share. */
export class World {
  readonly random: Random;
  readonly scheduler = new Scheduler();
  readonly weather: Weather;
  readonly store: WatchedRecords;
  readonly violations: TurnViolation[] = [];
  readonly runs = new Map<string, RunLog>();
  readonly answers: { readonly session_id: string; readonly turn: Turn }[] = [];
  isOver = false;
  #ids = 0;

  constructor({ seed, rates, weakness, store = new MemoryRecordStore() }: TurnSimulationOptions) {
    this.random = new Random(seed);
    this.weather = new Weather(this.random.fork(), this.scheduler, { ...REQUEST_FAULTS, ...rates });
    this.store = new WatchedRecords(store, (kind, message) => this.violated(kind, message), weakness);
  }

  nextId(): string {
    this.#ids += 1;
    return String(this.#ids);
  }

  violated(kind: TurnViolationKind, message: string): void {
    this.violations.push({ kind, message });
  }

  failed(error: unknown): void {
    this.violated("stuck", String(error));
  }

  /** An agent began to run for a turn. */
  ran(session_id: string, turn: number): RunLog {
    const name = `${session_id} ${turn}`;
    const log = this.runs.get(name) ?? { session_id, turn, runs: 0, emitted: "", checkpointed: "" };
    log.runs += 1;
    if (log.runs > 1) this.violated("ran_twice", name);
    this.runs.set(name, log);
    return log;
  }

  /** The owner of a turn was told how it is recorded. */
  answered(session_id: string, turn: Turn | undefined): void {
    if (turn) this.answers.push({ session_id, turn });
    else this.violated("turn_lost", `${session_id} was never deleted`);
  }

  async head(sessionId: string): Promise<Session | undefined> {
    const item = await this.store.get(sessionKey(sessionId));
    return item && readSession(item);
  }
}
