import stringWidth from "string-width";

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Columns that a text takes in a terminal: Chinese characters take two. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** The text in at most `columns` columns, marked with an ellipsis when cut. For text without colours. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of characters.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** The text, filled up with spaces to `columns`, cut when it is longer. */
export function cell(text: string, columns: number): string {
  const fitting = cut(text, columns);
  return fitting + " ".repeat(columns - widthOf(fitting));
}

/** The same, with the text at the right. */
export function cellRight(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}
