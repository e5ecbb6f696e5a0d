import {
  apply,
  type Item,
  preview,
  type RecordKey,
  type RecordPage,
  type RecordPatch,
  type RecordQuery,
  type RecordStore,
  StagefoldError,
  type Written,
} from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { parseItem } from "./project-store.ts";
import { checkEdits, checkItem, itemText } from "./storable.ts";

/** How often what has expired is removed, in milliseconds; so many items at a time, sooner again where more are left. */
const EXPIRY_MS = 60_000;
const MORE_EXPIRED_MS = 1000;
const EXPIRED_AT_ONCE = 500;

/** What is no build, in the same file as the projects: items under `pk` and `sk` with two sparse indexes. */
export class SqliteRecordStore implements RecordStore {
  readonly #database: Database;
  #expireAfterMs = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(patch: RecordPatch): Promise<Written> {
    if (patch.kind === "update") checkEdits(patch.edits);
    if (patch.kind === "put") checkItem(patch.item);
    const key = keyOf(patch);
    const { written } = await this.#database.write(() => {
      const before = this.#read(key);
      const applied = apply(before, patch);
      if (!applied.ok) return { written: { ok: false as const, item: before }, keep: false };
      if (applied.item === undefined)
        this.#database.sql("DELETE FROM records WHERE pk = ? AND sk = ?").run(...key);
      else this.#put(key, applied.item);
      this.#expire();
      return { written: { ok: true as const, item: applied.item ?? before }, keep: true };
    });
    return written;
  }

  async get(key: RecordKey): Promise<Item | undefined> {
    return this.#database.read(() => this.#read(keyOf(key)));
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    const { index, pk, limit } = query;
    const [hash, sort]: readonly [string, string] =
      index === undefined ? ["pk", "sk"] : [`${index}_pk`, `${index}_sk`];
    const order = query.newestFirst === true ? "DESC" : "ASC";
    const behind = query.newestFirst === true ? "<" : ">";
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    const conditions = [`${hash} = ?`, `${sort} IS NOT NULL`];
    const values: (string | number)[] = [checkedKey(pk, "pk")];
    if (query.from !== undefined) conditions.push(`${sort} >= ?`);
    if (query.to !== undefined) conditions.push(`${sort} <= ?`);
    if (after) conditions.push(`(${sort}, pk, sk) ${behind} (?, ?, ?)`);
    for (const value of [query.from, query.to]) if (value !== undefined) values.push(checkedKey(value, "sk"));
    if (after) values.push(...after);
    const text = `SELECT pk, sk, ${sort} AS sort, item FROM records WHERE ${conditions.join(" AND ")}
      ORDER BY ${sort} ${order}, pk ${order}, sk ${order} LIMIT ?`;
    return this.#database.read(() => {
      const rows: unknown[] = this.#database.sql(text).all(...values, limit + 1);
      const page = rows.slice(0, limit);
      const items = page.map((row) => parseItem(column(row, "item")));
      const next = rows.length > limit ? cursorOf(page.at(-1)) : undefined;
      return { items: index === undefined ? items : items.map((item) => indexRow(item, [hash, sort])), next };
    });
  }

  #read(key: readonly [string, string]): Item | undefined {
    const row = this.#database.sql("SELECT item FROM records WHERE pk = ? AND sk = ?").get(...key);
    return row === undefined ? undefined : parseItem(column(row, "item"));
  }

  #put(key: readonly [string, string], item: Item): void {
    this.#database
      .sql(
        `INSERT INTO records (pk, sk, gsi1_pk, gsi1_sk, gsi2_pk, gsi2_sk, expires_at, item) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET gsi1_pk = excluded.gsi1_pk, gsi1_sk = excluded.gsi1_sk, gsi2_pk = excluded.gsi2_pk,
           gsi2_sk = excluded.gsi2_sk, expires_at = excluded.expires_at, item = excluded.item`,
      )
      .run(...key, ...INDEX_KEYS.map((name) => indexKey(item, name)), expiryOf(item), itemText(item));
  }

  /** Within a transaction, now and then: what has expired goes with a write that happens anyway. */
  #expire(): void {
    const now = Date.now();
    if (now < this.#expireAfterMs) return;
    const { changes } = this.#database
      .sql(
        `DELETE FROM records WHERE (pk, sk) IN
           (SELECT pk, sk FROM records WHERE expires_at IS NOT NULL AND expires_at < ? LIMIT ?)`,
      )
      .run(Math.floor(now / 1000), EXPIRED_AT_ONCE);
    // Sign-ins that are begun and never finished, as anyone may, come faster than so many a minute.
    this.#expireAfterMs = now + (Number(changes) < EXPIRED_AT_ONCE ? EXPIRY_MS : MORE_EXPIRED_MS);
  }
}

const INDEX_KEYS = ["gsi1_pk", "gsi1_sk", "gsi2_pk", "gsi2_sk"] as const;

function keyOf({ pk, sk }: RecordKey): readonly [string, string] {
  return [checkedKey(pk, "pk"), checkedKey(sk, "sk")];
}

/** Keys are compared byte by byte. SQLite would cut them at a NUL, and half a surrogate pair has no bytes. */
function checkedKey(key: string, name: string): string {
  if (key !== "" && key.isWellFormed() && !key.includes("\0")) return key;
  throw invalid(`${name}: expected well-formed text without NUL, found ${preview(key)}`, name);
}

function indexKey(item: Item, name: string): string | null {
  const value = item[name];
  return typeof value === "string" && value !== "" ? checkedKey(value, name) : null;
}

function expiryOf(item: Item): number | null {
  const { expires_at } = item;
  return typeof expires_at === "number" && Number.isFinite(expires_at) ? Math.floor(expires_at) : null;
}

/** A row of an index: keys of the table and its own, and the map `listed`, as DynamoDB's indexes project them. */
function indexRow(item: Item, indexKeys: readonly string[]): Item {
  const fields = ["pk", "sk", ...indexKeys, "listed"].map((name) => [name, item[name]] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

function cursorOf(row: unknown): string {
  return JSON.stringify(["sort", "pk", "sk"].map((name) => column(row, name)));
}

function parseCursor(text: string): [string, string, string] {
  try {
    const [sort, pk, sk]: unknown[] = JSON.parse(text);
    if (typeof sort === "string" && typeof pk === "string" && typeof sk === "string") return [sort, pk, sk];
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw invalid("cursor: expected one that an earlier page of this query gave", "cursor");
}

function invalid(message: string, field: string) {
  return new StagefoldError("INVALID_INPUT", message, { issues: [field] });
}
