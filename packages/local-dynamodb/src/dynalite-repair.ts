import internals, { type IndexDefinition, type Store, type TableRecord } from "dynalite/db/index.js";
import {
  type IndexType,
  indexesOf,
  itemsOf,
  mustBeTable,
  rowsOf,
  TABLES,
  tagsOf,
  under,
} from "./dynalite-keys.ts";

export interface Repaired {
  tables: number;
  items: number;
  index_rows: number;
}

type Level = Store["db"];

/** Items read and rows written at a time: what bounds the memory. An item is 400 KB at most, mostly a few. */
const CHUNK = 200;

/**
 * Rebuilds every index from its table's items. dynalite writes the index rows of an item one by one and then the
 * item: killed in between, the index holds rows that no item has, or lacks some that one has. The items are right
 * (each is one write), so the indexes are emptied and written anew. Killed on the way, it is simply done again.
 *
 * Also settles tables that were on their way to another status, which dynalite only remembers in timers.
 */
export async function repair(db: Level, onProgress: (items: number) => void): Promise<Repaired> {
  const repaired: Repaired = { tables: 0, items: 0, index_rows: 0 };
  for (const table of await settleTables(db)) {
    repaired.tables += 1;
    for (const type of ["global", "local"] as const) await db.clear(under(indexesOf(type, table.TableName)));
    if (indexesIn(table, "global").length + indexesIn(table, "local").length > 0) {
      await rebuild(db, table, repaired, onProgress);
    }
  }
  return repaired;
}

/** Makes the tables what they were about to become. For every start: a clean stop forgets the timers, too. */
export async function settleTables(db: Level): Promise<TableRecord[]> {
  const tables: TableRecord[] = [];
  for (const [key, value] of await db.iterator(under(TABLES)).all()) {
    const table = mustBeTable(value, key);
    if (table.TableStatus === "DELETING") await dropTable(db, key, table.TableName);
    else tables.push(await activate(db, key, table));
  }
  return tables;
}

async function activate(db: Level, key: string, table: TableRecord): Promise<TableRecord> {
  const indexes = indexesIn(table, "global");
  const settled = table.TableStatus === "ACTIVE" && indexes.every((index) => index.IndexStatus === "ACTIVE");
  if (settled) return table;
  table.TableStatus = "ACTIVE";
  for (const index of indexes) index.IndexStatus = "ACTIVE";
  await db.put(key, table);
  return table;
}

async function dropTable(db: Level, key: string, name: string): Promise<void> {
  for (const prefix of [itemsOf(name), tagsOf(name), indexesOf("global", name), indexesOf("local", name)]) {
    await db.clear(under(prefix));
  }
  await db.del(key);
}

async function rebuild(
  db: Level,
  table: TableRecord,
  repaired: Repaired,
  onProgress: (items: number) => void,
): Promise<void> {
  const items = db.values(under(itemsOf(table.TableName)));
  try {
    for (;;) {
      const chunk = await items.nextv(CHUNK);
      if (chunk.length === 0) return;
      const rows = chunk.flatMap((item) => rowsFor(table, item));
      if (rows.length > 0) await db.batch(rows);
      repaired.items += chunk.length;
      repaired.index_rows += rows.length;
      onProgress(repaired.items);
    }
  } finally {
    await items.close();
  }
}

function rowsFor(table: TableRecord, item: unknown): { type: "put"; key: string; value: unknown }[] {
  if (!isItem(item)) throw new Error(`expected an item in ${table.TableName}, found ${JSON.stringify(item)}`);
  return (["global", "local"] as const).flatMap((type) =>
    internals.getIndexActions(indexesIn(table, type), null, item, table).puts.map((put) => ({
      type: "put" as const,
      key: rowsOf(type, table.TableName, put.index) + put.key,
      value: put.item,
    })),
  );
}

function indexesIn(table: TableRecord, type: IndexType): IndexDefinition[] {
  return (type === "global" ? table.GlobalSecondaryIndexes : table.LocalSecondaryIndexes) ?? [];
}

function isItem(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
