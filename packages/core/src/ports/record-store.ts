import type { Item, RecordKey, RecordPatch } from "../patch/index.ts";
import type { Written } from "./project-store.ts";

/** The sparse indexes of the records table. An item is in one when it has both `<index>_pk` and `<index>_sk`. */
export type RecordIndex = "gsi1" | "gsi2";

/** Items of one partition, ordered by sort key. */
export interface RecordQuery {
  /** Left out: the table itself, by `pk` and `sk`. Rows of an index have keys and the map `listed` alone. */
  readonly index?: RecordIndex | undefined;
  readonly pk: string;
  /** Sort keys from here on and up to here, both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly newestFirst?: boolean | undefined;
  readonly limit: number;
  /** `next` of an earlier page of the same query. */
  readonly cursor?: string | undefined;
  /** Of the table itself: strongly consistent unless asked otherwise. An index may be a moment behind. */
  readonly consistent?: boolean | undefined;
}

export interface RecordPage {
  readonly items: readonly Item[];
  /** Undefined at the end. A page may be short, or empty, before it. */
  readonly next: string | undefined;
}

/**
 * Keeps what is no build (table `StagefoldRecords`, keys `pk` and `sk`). Writes are patches as for projects; a put needs
 * that the item is absent, an update and a delete that it is there. `expires_at` (epoch seconds) may remove an item.
 * Unreachable or overloaded: `STORE_UNAVAILABLE`.
 */
export interface RecordStore {
  write(patch: RecordPatch): Promise<Written>;
  /** Strongly consistent unless asked otherwise. */
  get(key: RecordKey, options?: { readonly consistent?: boolean }): Promise<Item | undefined>;
  /** Errors: INVALID_INPUT for a cursor that the store did not give. */
  query(query: RecordQuery): Promise<RecordPage>;
}
