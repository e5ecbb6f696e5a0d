import { type Edit, type Item, itemBytes, type Path, StagefoldError } from "@stagefold/core";

/** What DynamoDB takes, and so what this store takes: a project can move from one to the other. */
const MAX_ITEM_BYTES = 400 * 1024;
const MAX_DEPTH = 32;
const MAX_NUMBER = 9.99e125;
const MIN_NUMBER = 1e-130;
/** No item is heavier in DynamoDB than twice its JSON text: a shorter text need not be weighed. */
const SURELY_FITS = MAX_ITEM_BYTES / 2;

/** The text of an item. Errors: SNAPSHOT_TOO_LARGE. */
export function itemText(item: Item): string {
  const text = JSON.stringify(item);
  if (text.length <= SURELY_FITS) return text;
  const size = itemBytes(JSON.parse(text));
  if (size <= MAX_ITEM_BYTES) return text;
  throw new StagefoldError(
    "SNAPSHOT_TOO_LARGE",
    `The item would have ${size} bytes; the store takes ${MAX_ITEM_BYTES}.`,
    { size, limit: MAX_ITEM_BYTES },
  );
}

/** Errors: INVALID_INPUT for a value that JSON or DynamoDB cannot keep. */
export function checkEdits(edits: readonly Edit[]): void {
  for (const edit of edits)
    if (edit.op !== "remove") checkValue(edit.value, edit.path, MAX_DEPTH - edit.path.length + 1);
}

/** Errors: INVALID_INPUT. */
export function checkItem(item: Item): void {
  checkValue(item, [], MAX_DEPTH);
}

function checkValue(value: unknown, path: Path, levels: number): void {
  if (typeof value === "number") {
    const size = Math.abs(value);
    if (value !== 0 && !(size >= MIN_NUMBER && size <= MAX_NUMBER))
      throw refused(path, `a number of at most ${MAX_NUMBER} and at least ${MIN_NUMBER}, found ${value}`);
    return;
  }
  if (typeof value === "bigint" || typeof value === "function" || typeof value === "symbol")
    throw refused(path, `JSON, found a ${typeof value}`);
  if (typeof value !== "object" || value === null) return;
  if (levels === 0) throw refused(path, `at most ${MAX_DEPTH} levels of nesting`);
  if (value instanceof Uint8Array || value instanceof Set || value instanceof Map || value instanceof Date)
    throw refused(path, `JSON, found a ${value.constructor.name}`);
  for (const [key, inner] of Object.entries(value)) checkValue(inner, [...path, key], levels - 1);
}

function refused(path: Path, expected: string) {
  const issue = `${path.join(".").slice(0, 200)}: expected ${expected}`;
  return new StagefoldError("INVALID_INPUT", `The store refuses this: ${issue}.`, { issues: [issue] });
}
