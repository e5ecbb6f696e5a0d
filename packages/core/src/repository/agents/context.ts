import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { type Clock, systemClock } from "../../ports/clock.ts";
import type { RecordStore } from "../../ports/record-store.ts";
import { newOperationId } from "../../snapshot/ids.ts";
import { addMs, toTime } from "../../snapshot/time.ts";

/** How long a turn's lease lasts. Milliseconds. */
export const TURN_LEASE_MS = 20_000;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface AgentRecordsOptions {
  readonly records: RecordStore;
  readonly artifacts: ArtifactStore;
  readonly clock?: Clock;
  /** Milliseconds. */
  readonly leaseMs?: number;
  /** Sessions without activity for so long are removed with their turns and files; kept unless given. */
  readonly sessionDays?: number | undefined;
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

  constructor(options: AgentRecordsOptions) {
    this.records = options.records;
    this.artifacts = options.artifacts;
    this.clock = options.clock ?? systemClock;
    this.leaseMs = options.leaseMs ?? TURN_LEASE_MS;
    this.newId = options.newId ?? newOperationId;
    this.#sessionDays = options.sessionDays;
  }

  now(): string {
    return toTime(this.clock.now());
  }

  /** When a lease that is taken or renewed now runs out. */
  leaseEnd(): string {
    return addMs(this.now(), this.leaseMs);
  }

  /** Sessions that were active last before it have been kept long enough. */
  keptSince(): string | undefined {
    return this.#sessionDays === undefined
      ? undefined
      : toTime(this.clock.now() - this.#sessionDays * DAY_MS);
  }
}
