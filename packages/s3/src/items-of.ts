import type { RecordStore } from "@stagefold/core";

/** Every item of a partition between two sort keys, page by page. */
export async function* itemsOf(records: RecordStore, pk: string, from?: string, to?: string) {
  for (let cursor: string | undefined; ; ) {
    const page = await records.query({ pk, from, to, limit: 100, cursor });
    yield page.items;
    cursor = page.next;
    if (cursor === undefined) return;
  }
}
