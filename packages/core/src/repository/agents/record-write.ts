import { StagefoldError } from "../../errors.ts";
import type { Item, RecordKey, RecordPatch } from "../../patch/index.ts";
import type { RecordStore } from "../../ports/record-store.ts";

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

/** Puts an item whether or not one is there: of one that is, the fields given are set. The last writer decides. */
export async function upsertRecord(
  records: RecordStore,
  key: RecordKey,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  const edits = Object.entries(fields).map(([field, value]) => ({
    op: "set" as const,
    path: [field],
    value,
  }));
  await optimisticRecordWrite(records, {
    decide: (stored) => {
      if (stored === undefined) return { ...key, kind: "put", guards: [], item: { ...key, ...fields } };
      return edits.length === 0 ? undefined : { ...key, kind: "update", guards: [], edits };
    },
    isOwnWrite: () => false,
  });
}
