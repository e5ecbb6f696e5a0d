import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentRecords, type Item, type RecordStore, sessionIdOf } from "@stagefold/core";
import { DynamoRecordStore, ensureRecordsTable } from "@stagefold/core/dynamodb";
import { openSqlite } from "@stagefold/sqlite";
import { describe, expect, it } from "vitest";
import { countOf, tableSources, V1, V2, V2_SESSION } from "./agents-fixtures.ts";
import { aPlace, ENGINES, startTable } from "./place.ts";

const BOTH = { ...V1, ...V2 };

interface Opened extends AsyncDisposable {
  readonly store: RecordStore;
}

async function openSqliteStore(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-records-"));
  const sqlite = await openSqlite(folder);
  const dispose = async () => {
    sqlite.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { store: sqlite.records, [Symbol.asyncDispose]: dispose };
}

async function openTable(engine: (typeof ENGINES)[number]): Promise<Opened> {
  const table = await startTable(engine);
  await ensureRecordsTable(table.client, "StagefoldRecords");
  return {
    store: new DynamoRecordStore(table.client, "StagefoldRecords"),
    [Symbol.asyncDispose]: () => table[Symbol.asyncDispose](),
  };
}

const STORES = [
  ["SQLite", openSqliteStore],
  ...ENGINES.map((engine) => [engine, () => openTable(engine)] as const),
] as const;

async function contentsOf(store: RecordStore): Promise<readonly (readonly Item[])[]> {
  const sessions = ["1c0ffee0-0000-4000-8000-000000000001", V2_SESSION];
  const ids = await Promise.all(sessions.map((id) => sessionIdOf(id)));
  const pages = await Promise.all(ids.map((id) => store.query({ pk: `session#${id}`, limit: 100 })));
  return pages.map(({ items }) => items);
}

/** A store that is gone after some writes, as for a process that is killed. */
function failingAfter(writes: number, store: RecordStore): RecordStore {
  let left = writes;
  return {
    get: (key, options) => store.get(key, options),
    query: (query) => store.query(query),
    write: async (patch) => {
      if (left <= 0) throw Object.assign(new Error("killed"), { syscall: "write" });
      left -= 1;
      return await store.write(patch);
    },
  };
}

describe.each(STORES)("older tables of agents on %s", (_name, open) => {
  it("give the same items as the reference store, killed after any write and run again", async () => {
    await using memory = await aPlace();
    await memory.run({ sources: tableSources(BOTH) });
    for (const writes of [1, 4, 6, 7, 9]) {
      await using opened = await open();
      await using place = await aPlace(undefined, opened.store);
      const records = new AgentRecords({
        records: failingAfter(writes, opened.store),
        artifacts: place.artifacts,
      });
      await expect(place.run({ sources: tableSources(BOTH), records })).rejects.toThrow("killed");
      const summary = await place.run({ sources: tableSources(BOTH) });
      expect(summary.merged + summary.not_merged["already there"]).toBe(countOf(BOTH));
      expect(await contentsOf(opened.store)).toEqual(await contentsOf(memory.recordStore));
      expect(await place.run({ sources: tableSources(BOTH) })).toMatchObject({ merged: 0 });
      const { items } = await place.records.lists.agents({}, 10);
      expect(items).toHaveLength(3);
    }
  });
});
