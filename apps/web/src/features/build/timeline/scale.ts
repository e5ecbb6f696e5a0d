import type { Bar, Row } from "./bars.ts";

/** A span of time that is drawn from edge to edge. Epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A mark on the axis: where, as a share of the width, and the time since the span began. */
export interface Tick {
  readonly at: number;
  readonly offsetMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS_MS = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** Where `ms` lies in the span, 0 … 1. */
export function shareOf(span: Span, ms: number): number {
  const length = span.toMs - span.fromMs;
  return length <= 0 ? 0 : Math.min(1, Math.max(0, (ms - span.fromMs) / length));
}

/** Round marks, at most `most` of them besides the one at 0. */
export function ticksOf(span: Span, most: number): Tick[] {
  const length = Math.max(1, span.toMs - span.fromMs);
  const step = STEPS_MS.find((one) => length / one <= most) ?? Math.ceil(length / most / DAY) * DAY;
  const count = Math.floor(length / step);
  return Array.from({ length: count + 1 }, (_, i) => ({ at: (i * step) / length, offsetMs: i * step }));
}

/** From the first to the last moment of all bars, or undefined before anything happened. */
export function wholeSpan(rows: readonly Row[]): Span | undefined {
  const bars = rows.flatMap((row) => row.bars);
  if (bars.length === 0) return undefined;
  return {
    fromMs: Math.min(...bars.map((bar) => bar.fromMs)),
    toMs: Math.max(...bars.map((bar) => bar.toMs)),
  };
}

/** How much longer than all work together an idle time must be to be worth cutting out, and how long at least. */
const IDLE_TIMES = 3;
const IDLE_MS = MINUTE;

/**
 * The parts of the build's life in which something happened, oldest first: a build that was retried after a week is
 * two of them, each legible at true scale. Usually there is one, the whole span.
 */
export function activeSpans(rows: readonly Row[]): Span[] {
  const busy = union(rows.flatMap((row) => row.bars.filter((bar) => bar.open || bar.kind !== "wait")));
  const worked = busy.reduce((sum, span) => sum + (span.toMs - span.fromMs), 0);
  const worthCutting = Math.max(IDLE_MS, worked * IDLE_TIMES);
  const spans: Span[] = [];
  for (const span of busy) {
    const last = spans.at(-1);
    if (last && span.fromMs - last.toMs <= worthCutting)
      spans[spans.length - 1] = { ...last, toMs: span.toMs };
    else spans.push(span);
  }
  return spans;
}

function union(bars: readonly Bar[]): Span[] {
  const spans: Span[] = [];
  for (const { fromMs, toMs } of [...bars].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = spans.at(-1);
    if (last && fromMs <= last.toMs) spans[spans.length - 1] = { ...last, toMs: Math.max(last.toMs, toMs) };
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

/** The bars that a span shows something of. */
export function barsIn(span: Span, bars: readonly Bar[]): Bar[] {
  return bars.filter((bar) => bar.toMs >= span.fromMs && bar.fromMs <= span.toMs);
}

/** As far as what runs now is expected to go. */
export function withExpected(span: Span, rows: readonly Row[]): Span {
  const ends = rows.flatMap(({ bars }) =>
    bars.flatMap(({ open, fromMs, usualMs }) =>
      open && usualMs !== undefined && fromMs >= span.fromMs ? [fromMs + usualMs] : [],
    ),
  );
  return { ...span, toMs: Math.max(span.toMs, ...ends) };
}
