import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { type Clock, systemClock } from "../../ports/clock.ts";
import type { RecordStore } from "../../ports/record-store.ts";
import { newOperationId } from "../../snapshot/ids.ts";
import { addMs, fromTime, toTime } from "../../snapshot/time.ts";

/** How long a turn's lease lasts. Milliseconds. */
export const TURN_LEASE_MS = 20_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Leases with an end too far ahead that are watched at once: more than there can be turns in a process that died. */
const MAX_WATCHED = 10_000;

export interface AgentRecordsOptions {
  readonly records: RecordStore;
  readonly artifacts: ArtifactStore;
  readonly clock?: Clock;
  /** Milliseconds. */
  readonly leaseMs?: number;
  /** Sessions without activity for so long are removed with their turns and files; kept unless given. */
  readonly sessionDays?: number | undefined;
  /** A monotonic clock, in milliseconds. */
  readonly monotonic?: () => number;
  /** Names owners, each once among all processes; random unless given. */
  readonly newId?: () => string;
}

/** What the verbs for agents, sessions and turns share. */
export class AgentContext {
  readonly records: RecordStore;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly newId: () => string;
  readonly #sessionDays: number | undefined;
  readonly #monotonic: () => number;
  /** Leases whose end is further ahead than one lasts, and since when it has stood there. */
  readonly #watched = new Map<string, { readonly expires_at: string; readonly since: number }>();

  constructor(options: AgentRecordsOptions) {
    this.records = options.records;
    this.artifacts = options.artifacts;
    this.clock = options.clock ?? systemClock;
    this.leaseMs = options.leaseMs ?? TURN_LEASE_MS;
    this.newId = options.newId ?? newOperationId;
    this.#sessionDays = options.sessionDays;
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  now(): string {
    return toTime(this.clock.now());
  }

  /** When a lease that is taken or renewed now runs out: later than it did, also where the clock was set back. */
  leaseEnd(before?: string): string {
    const end = addMs(this.now(), this.leaseMs);
    return before === undefined || end > before ? end : addMs(before, 1);
  }

  /**
   * Whether the owner of a lease has let it run out. `name` is of what it is a lease on. An end that is further ahead
   * than a lease lasts was written by a clock that was ahead: an owner that lives moves it within that time.
   */
  isOver(name: string, { expires_at }: { readonly expires_at: string }): boolean {
    const left = fromTime(expires_at) - this.clock.now();
    const seen = this.#watched.get(name);
    if (left <= this.leaseMs) {
      this.#watched.delete(name);
      return left < 0;
    }
    if (seen?.expires_at === expires_at) return this.#monotonic() - seen.since > this.leaseMs;
    this.#watched.set(name, { expires_at, since: this.#monotonic() });
    if (this.#watched.size > MAX_WATCHED) this.#watched.delete(this.#watched.keys().next().value ?? "");
    return false;
  }

  /** Sessions that were active last before it have been kept long enough. */
  keptSince(): string | undefined {
    return this.#sessionDays === undefined
      ? undefined
      : toTime(this.clock.now() - this.#sessionDays * DAY_MS);
  }
}
