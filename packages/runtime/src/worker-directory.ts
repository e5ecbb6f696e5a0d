import { type Clock, canonicalJson, type RecordStore, toTime, upsertRecord } from "@stagefold/core";
import { z } from "zod";

/** What a worker says of itself. */
export const workerEntrySchema = z.object({
  owner: z.string(),
  version: z.string(),
  /** Such as `20.19.0`. */
  node_version: z.string(),
  started_at: z.string(),
  /** When it was heard of last. */
  seen_at: z.string(),
  /** Builds that it runs at the same time at most. */
  slots: z.number().int(),
  /** `stage` is the one that runs. */
  running: z.array(z.object({ project_id: z.string(), stage: z.string().optional() })),
  /** Digests of the definitions that it has, by the names of the pipelines. */
  pipelines: z.record(z.string(), z.string()),
  /** Why it cannot run stages, while it cannot. */
  not_ready: z.string().optional(),
});
export type WorkerEntry = z.output<typeof workerEntrySchema>;

/** How often a worker says that it lives, in milliseconds. */
export const WORKER_BEAT_MS = 10_000;
/** One that was not heard of for so long is not listed. */
const SILENT_MS = 3 * WORKER_BEAT_MS + 5000;
/** After so long without a word the store itself may remove it. */
const FORGOTTEN_MS = 10 * 60_000;

const PARTITION = "workers";
const PAGE = 100;

/** The workers that live, as they say themselves: one record each. */
export class WorkerDirectory {
  readonly #records: RecordStore;
  readonly #clock: Clock;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** The worker lives, and this is what it does now. */
  async announce(entry: Omit<WorkerEntry, "seen_at">): Promise<void> {
    const now = this.#clock.now();
    const key = { pk: PARTITION, sk: entry.owner };
    const fields = {
      entry: { ...entry, seen_at: toTime(now) },
      expires_at: Math.ceil((now + FORGOTTEN_MS) / 1000),
    };
    await upsertRecord(this.#records, key, fields, "update");
  }

  /** The worker has ended. */
  async withdraw(owner: string): Promise<void> {
    await this.#records.write({ pk: PARTITION, sk: owner, kind: "delete", guards: [] });
  }

  /** Those that were heard of in the last half minute. */
  async list(): Promise<WorkerEntry[]> {
    const since = toTime(this.#clock.now() - SILENT_MS);
    const found: WorkerEntry[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#records.query({ pk: PARTITION, limit: PAGE, cursor, consistent: false });
      for (const { entry } of page.items) {
        const parsed = workerEntrySchema.safeParse(entry);
        if (parsed.success && parsed.data.seen_at >= since) found.push(parsed.data);
      }
      cursor = page.next;
      if (cursor === undefined) return found;
    }
  }
}

/** A definition of a pipeline, as people may read it. */
export const keptDefinitionSchema = z.object({
  name: z.string(),
  digest: z.string(),
  /** When a worker had it first. */
  first_seen_at: z.string(),
  definition: z.record(z.string(), z.unknown()),
});
export type KeptDefinition = z.output<typeof keptDefinitionSchema>;

/** Definitions of pipelines by their digests: what an attempt ran can be read when the files have changed. */
export class DefinitionArchive {
  readonly #records: RecordStore;
  readonly #clock: Clock;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Keeps it, unless it is kept already. */
  async keep(name: string, digest: string, definition: object): Promise<void> {
    const key = keyOf(name, digest);
    // Without what JSON leaves out.
    const plain: unknown = JSON.parse(canonicalJson(definition));
    const item = { ...key, name, digest, first_seen_at: toTime(this.#clock.now()), definition: plain };
    await this.#records.write({ ...key, kind: "put", guards: [], item });
  }

  async get(name: string, digest: string): Promise<KeptDefinition | undefined> {
    const item = await this.#records.get(keyOf(name, digest));
    return item === undefined ? undefined : keptDefinitionSchema.parse(item);
  }
}

function keyOf(name: string, digest: string) {
  return { pk: `definition#${name}`, sk: digest };
}
