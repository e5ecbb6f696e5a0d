import { type Edit, type RecordKey, type RecordStore, StagefoldError } from "@stagefold/core";

const MAX_TURNS = 5;

/** Puts an item, or sets these fields of the one that is there; undefined removes a field. */
export async function upsert(
  records: RecordStore,
  key: RecordKey,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const edits = Object.entries(fields).map(
    ([field, value]): Edit =>
      value === undefined ? { op: "remove", path: [field] } : { op: "set", path: [field], value },
  );
  for (let turn = 1; turn <= MAX_TURNS; turn++) {
    const put = await records.write({ ...key, kind: "put", guards: [], item: { ...key, ...present } });
    if (put.ok) return;
    const update = await records.write({ ...key, kind: "update", guards: [], edits });
    if (update.ok) return;
    // Removed between the two.
  }
  throw new StagefoldError("STORE_UNAVAILABLE", "A record is written and removed all the time.", {
    retry_after: 1,
  });
}

/** Every item of a partition between two sort keys, page by page. */
export async function* itemsOf(records: RecordStore, pk: string, from?: string, to?: string) {
  for (let cursor: string | undefined; ; ) {
    const page = await records.query({ pk, from, to, limit: 100, cursor });
    yield page.items;
    cursor = page.next;
    if (cursor === undefined) return;
  }
}
