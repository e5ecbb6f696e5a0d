import { StagefoldError } from "../../errors.ts";
import type { Edit, Item, RecordKey, RecordPatch } from "../../patch/index.ts";
import type { RecordStore } from "../../ports/record-store.ts";

/** Tries of an upsert while others remove the item and make it again. */
const MAX_UPSERTS = 10;

export interface RecordIntent {
  /** What the writer believes is stored; left out when it knows nothing. */
  readonly stored?: Item | undefined;
  /** Chooses the write; undefined when there is nothing to write; or refuses with a typed error. */
  readonly decide: (stored: Item | undefined) => RecordPatch | undefined | Promise<RecordPatch | undefined>;
  /** Whether the item that came back with a refusal shows that this very write took effect before. */
  readonly isOwnWrite: (item: Item) => boolean;
  /** How often to decide again from the item that came back. */
  readonly maxRetries?: number;
}

export interface RecordResult {
  /** Whether the write took effect, now or before. */
  readonly ok: boolean;
  /** The item after the write, or what is there instead. */
  readonly item: Item | undefined;
}

/**
 * How records that several writers change are written, by the rules of `optimisticWrite`: decide, write under the guards,
 * and after a refusal decide again from the item that came back.
 * Errors: what `decide` throws; STORE_UNAVAILABLE when the item changed each time.
 */
export async function optimisticRecordWrite(
  records: RecordStore,
  intent: RecordIntent,
): Promise<RecordResult> {
  let { stored } = intent;
  for (let left = intent.maxRetries ?? 3; ; left -= 1) {
    const patch = await intent.decide(stored);
    if (!patch) return { ok: false, item: stored };
    const { ok, item } = await records.write(patch);
    if (ok) return { ok, item };
    // What an update needs is not there; what a delete was to remove is gone.
    if (!item) return { ok: patch.kind === "delete", item };
    if (intent.isOwnWrite(item)) return { ok: true, item };
    if (left === 0)
      throw new StagefoldError(
        "STORE_UNAVAILABLE",
        `The record ${patch.pk} changed each time that this write was tried.`,
        { retry_after: 1 },
      );
    stored = item;
  }
}

/**
 * Puts an item, or sets these fields of the one that is there; undefined removes a field. The last writer decides.
 * `likely`: what is tried first, because a write that is refused is paid for. Errors: STORE_UNAVAILABLE.
 */
export async function upsertRecord(
  records: RecordStore,
  key: RecordKey,
  fields: Readonly<Record<string, unknown>>,
  likely: "put" | "update" = "put",
): Promise<void> {
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const edits = Object.entries(fields).map(
    ([field, value]): Edit =>
      value === undefined ? { op: "remove", path: [field] } : { op: "set", path: [field], value },
  );
  const put = { ...key, kind: "put", guards: [], item: { ...key, ...present } } as const;
  const update = { ...key, kind: "update", guards: [], edits } as const;
  // What was refused by an item was there, and what needed one was not: unless it changed in between, the other one fits.
  let next: RecordPatch = likely === "put" ? put : update;
  for (let left = MAX_UPSERTS; left > 0; left -= 1) {
    if ((await records.write(next)).ok) return;
    if (next === put && edits.length === 0) return;
    next = next === put ? update : put;
  }
  const message = `The record ${key.pk} is written and removed all the time.`;
  throw new StagefoldError("STORE_UNAVAILABLE", message, { retry_after: 1 });
}
