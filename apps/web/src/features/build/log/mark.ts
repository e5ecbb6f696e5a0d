import type { LogSpan } from "./ansi.ts";

export interface MarkedSpan extends LogSpan {
  readonly marked?: true;
}

/** The pieces of a line with what was searched for cut out and marked, also where it runs over several pieces. */
export function marked(spans: readonly LogSpan[], wanted: string): readonly MarkedSpan[] {
  const text = spans.map((span) => span.text).join("");
  const places = placesOf(text, wanted);
  if (places.length === 0) return spans;
  const cut: MarkedSpan[] = [];
  let from = 0;
  for (const span of spans) {
    const to = from + span.text.length;
    let at = from;
    for (const place of places) {
      const start = Math.max(at, place);
      const end = Math.min(to, place + wanted.length);
      if (start >= end) continue;
      if (start > at) cut.push({ ...span, text: text.slice(at, start) });
      cut.push({ ...span, text: text.slice(start, end), marked: true });
      at = end;
    }
    if (at < to) cut.push({ ...span, text: text.slice(at, to) });
    from = to;
  }
  return cut;
}

function placesOf(text: string, wanted: string): number[] {
  const lower = text.toLowerCase();
  const small = wanted.toLowerCase();
  // A few letters have another length in lower case: then no place can be told.
  if (small === "" || lower.length !== text.length || small.length !== wanted.length) return [];
  const places: number[] = [];
  for (let at = lower.indexOf(small); at >= 0; at = lower.indexOf(small, at + small.length)) places.push(at);
  return places;
}
