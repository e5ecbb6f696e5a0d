import { formatOf, type Item, isOverwritten, type SnapshotFormat } from "@stagefold/core";
import { toPlain } from "@stagefold/core/dynamodb";
import type { OpenTable } from "@stagefold/runtime";

/** Parts of the table that are read side by side, so that a sample is not its first rows alone. */
const SEGMENTS = 4;
const PAGE = 100;
/** A legacy format with such a recent time was written by something that still runs. */
const RECENT_MS = 24 * 3600 * 1000;
const NAMED_AT_MOST = 5;

/** What the items that were looked at are like. */
export interface ItemCounts {
  looked_at: number;
  /** Whether that was all of them. */
  all: boolean;
  forms: Record<SnapshotFormat, number>;
  /** In the current version once, and written over by something that does not know it. */
  overwritten: number;
  /** In a legacy format, with an `updated_at` of the last day. */
  recent: number;
  /** Some of those two, and of the unreadable ones. */
  examples: { written_over: string[]; unreadable: string[] };
}

/** Looks at items from all parts of the table, at most so many; all of them without a number. Read only. */
export async function countItems(
  table: OpenTable,
  atMost: number | undefined,
  nowMs: number,
  signal: AbortSignal,
): Promise<ItemCounts> {
  const counts: ItemCounts = {
    looked_at: 0,
    all: true,
    forms: {
      current: 0,
      map: 0,
      json_text: 0,
      json_text_in_json_text: 0,
      empty: 0,
      missing: 0,
      unreadable: 0,
    },
    overwritten: 0,
    recent: 0,
    examples: { written_over: [], unreadable: [] },
  };
  const share = atMost === undefined ? Number.POSITIVE_INFINITY : Math.ceil(atMost / SEGMENTS);
  const look = async (number: number) => {
    let left = share;
    for await (const page of table.scan({ segment: { number, of: SEGMENTS }, pageSize: PAGE, signal })) {
      for (const raw of page.slice(0, left)) count(counts, toPlain(raw).item, nowMs);
      if (page.length > left) counts.all = false;
      left -= page.length;
      if (left <= 0) break;
    }
    if (left <= 0) counts.all = false;
  };
  await Promise.all(Array.from({ length: SEGMENTS }, (_, number) => look(number)));
  signal.throwIfAborted();
  return counts;
}

function count(counts: ItemCounts, item: Item, nowMs: number): void {
  counts.looked_at += 1;
  const form = formatOf(item);
  counts.forms[form] += 1;
  const id = String(item.project_id);
  if (form === "unreadable") name(counts.examples.unreadable, id);
  if (form === "current") return;
  const overwritten = isOverwritten(item);
  const recent = nowMs - Date.parse(String(item.updated_at)) < RECENT_MS;
  if (overwritten) counts.overwritten += 1;
  else if (recent) counts.recent += 1;
  if (overwritten || recent) name(counts.examples.written_over, id);
}

function name(list: string[], id: string): void {
  if (list.length < NAMED_AT_MOST) list.push(id);
}
