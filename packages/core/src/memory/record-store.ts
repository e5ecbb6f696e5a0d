import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { compareText } from "../patch/apply.ts";
import { apply, type Item, type RecordKey, type RecordPatch } from "../patch/index.ts";
import type { Written } from "../ports/project-store.ts";
import type { RecordIndex, RecordPage, RecordQuery, RecordStore } from "../ports/record-store.ts";

const cursorSchema = z.tuple([z.string().min(1), z.string().min(1), z.string().min(1)]);
type Position = z.output<typeof cursorSchema>;

/** The reference of the record stores. */
export class MemoryRecordStore implements RecordStore {
  readonly #items = new Map<string, Item>();

  write(patch: RecordPatch): Promise<Written> {
    const name = nameOf(patch);
    const before = this.#items.get(name);
    const applied = apply(before, patch);
    if (!applied.ok) return Promise.resolve({ ok: false, item: before });
    if (applied.item) this.#items.set(name, applied.item);
    else this.#items.delete(name);
    return Promise.resolve({ ok: true, item: applied.item ?? before });
  }

  get(key: RecordKey): Promise<Item | undefined> {
    return Promise.resolve(this.#items.get(nameOf(key)));
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    const { index, from, to, newestFirst, limit, cursor } = query;
    const [hash, range] = index === undefined ? ["pk", "sk"] : [`${index}_pk`, `${index}_sk`];
    const order = newestFirst === true ? -1 : 1;
    const compare = (a: Position, b: Position) => order * comparePositions(a, b);
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const rows = [...this.#items.values()]
      .filter((item) => item[hash] === query.pk && typeof item[range] === "string")
      .map((item) => ({ item, at: positionOf(item, range) }))
      .filter(({ at: [sort] }) => from === undefined || compareText(sort, from) >= 0)
      .filter(({ at: [sort] }) => to === undefined || compareText(sort, to) <= 0)
      .filter(({ at }) => after === undefined || compare(at, after) > 0)
      .sort((a, b) => compare(a.at, b.at));
    const page = rows.slice(0, limit);
    return {
      items: page.map(({ item }) => (index === undefined ? item : indexRow(item, index))),
      next: rows.length > page.length ? JSON.stringify(page.at(-1)?.at) : undefined,
    };
  }
}

function nameOf({ pk, sk }: RecordKey): string {
  return JSON.stringify([pk, sk]);
}

function positionOf(item: Item, range: string): Position {
  return [String(item[range]), String(item.pk), String(item.sk)];
}

function comparePositions(a: Position, b: Position): number {
  return compareText(a[0], b[0]) || compareText(a[1], b[1]) || compareText(a[2], b[2]);
}

/** A row of an index: its keys, those of the table and the map `listed`. */
function indexRow(item: Item, index: RecordIndex): Item {
  const projected = ["pk", "sk", `${index}_pk`, `${index}_sk`, "listed"];
  const fields = projected.map((name) => [name, item[name]] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

function decodeCursor(text: string): Position {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = "The cursor is not one that an earlier page of this query gave.";
    throw new StagefoldError("INVALID_INPUT", message, { issues: ["cursor"] }, { cause: error });
  }
}
