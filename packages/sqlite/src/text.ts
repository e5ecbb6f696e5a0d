/**
 * Text of a column, which SQLite would cut at a NUL, and whose half surrogate pairs would all become one and the same
 * character. Nearly every text stays as it is. Items are JSON text, where both are escaped anyway.
 */
export function toColumn(text: string): string {
  return text.isWellFormed() && !text.includes("\0") && !text.startsWith(MARK)
    ? text
    : MARK + JSON.stringify(text);
}

export function fromColumn(text: string): string {
  return text.startsWith(MARK) ? String(JSON.parse(text.slice(MARK.length))) : text;
}

const MARK = "\u0001";

/** A column for what should be a text, in items of any age; null for everything else. */
export function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? toColumn(value) : null;
}
