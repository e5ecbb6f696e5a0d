import type { Bar, Row } from "./bars.ts";

/** A stretch of time. Epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A part of a scale: all of it has one pace. Its ends as shares of the width, 0 … 1. */
export interface Stretch extends Span {
  readonly from: number;
  readonly to: number;
  /** Nothing ran for long, so that it is drawn short. */
  readonly cut: boolean;
}

/** What is drawn from edge to edge: stretches without gaps between them, oldest first, at least one. */
export type Scale = readonly Stretch[];

/** The part of a scale that is shown. Shares of its width. */
export interface View {
  readonly from: number;
  readonly to: number;
}

export const WHOLE: View = { from: 0, to: 1 };
/** The most that is zoomed in. */
export const LEAST_VIEW = 1 / 400;

/** An idle time is cut if it is longer than this share of the working time, and than a few seconds. */
const IDLE_SHARE = 0.15;
const IDLE_MS = 5000;
/** How wide a cut is, and all of them together. */
const CUT_WIDTH = 0.1;
const CUTS_WIDTH = 0.4;

/**
 * From the first to the last moment of all bars, and as far as what runs now is expected to go. Times in which the build
 * waited (for a person, a worker, its next attempt, or a week for a retry) are cut where they would squeeze the rest.
 */
export function scaleOf(rows: readonly Row[], nowMs: number): Scale {
  const bars = rows.flatMap((row) => row.bars);
  if (bars.length === 0) return [{ fromMs: nowMs, toMs: nowMs + 1000, from: 0, to: 1, cut: false }];
  const expected = bars.flatMap(({ open, fromMs, toMs, usualMs }) =>
    open && usualMs !== undefined ? [{ fromMs: toMs, toMs: Math.max(toMs, fromMs + usualMs) }] : [],
  );
  const worked = union([...bars.filter(({ kind }) => kind === "attempt" || kind === "part"), ...expected]);
  const fromMs = Math.min(...bars.map((bar) => bar.fromMs));
  const toMs = Math.max(fromMs + 1, ...bars.map((bar) => bar.toMs), ...expected.map((span) => span.toMs));
  const workedMs = worked.reduce((sum, span) => sum + lengthOf(span), 0);
  const least = Math.max(IDLE_MS, workedMs * IDLE_SHARE);
  const cuts = workedMs === 0 ? [] : gapsOf(worked, { fromMs, toMs }).filter((gap) => lengthOf(gap) > least);
  const cutWidth = cuts.length === 0 ? 0 : Math.min(CUT_WIDTH, CUTS_WIDTH / cuts.length);
  const shown = toMs - fromMs - cuts.reduce((sum, cut) => sum + lengthOf(cut), 0);
  const width = (span: Span) => (lengthOf(span) / shown) * (1 - cutWidth * cuts.length);
  const stretches: Stretch[] = [];
  const add = (span: Span, cut: boolean) => {
    if (span.toMs <= span.fromMs) return;
    const from = stretches.at(-1)?.to ?? 0;
    stretches.push({ ...span, from, to: from + (cut ? cutWidth : width(span)), cut });
  };
  let reached = fromMs;
  for (const cut of cuts) {
    add({ fromMs: reached, toMs: cut.fromMs }, false);
    add(cut, true);
    reached = cut.toMs;
  }
  add({ fromMs: reached, toMs }, false);
  return stretches;
}

function lengthOf({ fromMs, toMs }: Span): number {
  return toMs - fromMs;
}

function union(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last && fromMs <= last.toMs) joined[joined.length - 1] = { ...last, toMs: Math.max(last.toMs, toMs) };
    else joined.push({ fromMs, toMs });
  }
  return joined;
}

/** What of `whole` no span has. */
function gapsOf(spans: readonly Span[], whole: Span): Span[] {
  const starts = [whole.fromMs, ...spans.map(({ toMs }) => toMs)];
  const ends = [...spans.map(({ fromMs }) => fromMs), whole.toMs];
  return starts.map((fromMs, i) => ({ fromMs, toMs: ends[i] ?? fromMs }));
}

/** Where a moment lies on the scale, 0 … 1. */
export function shareAt(scale: Scale, ms: number): number {
  const stretch = scale.find(({ toMs }) => ms <= toMs);
  if (stretch === undefined) return 1;
  const { fromMs, toMs, from, to } = stretch;
  return from + (Math.max(0, ms - fromMs) / (toMs - fromMs)) * (to - from);
}

/** The moment at a place of the scale. */
export function timeAt(scale: Scale, share: number): number {
  const stretch = scale.find(({ to }) => share <= to) ?? scale.at(-1);
  if (stretch === undefined) return 0;
  const { fromMs, toMs, from, to } = stretch;
  return fromMs + ((share - from) / (to - from)) * (toMs - fromMs);
}

/** Where a place of the scale lies in what is shown of it; outside of 0 … 1 where it is not shown. */
export function placeIn({ from, to }: View, share: number): number {
  return (share - from) / (to - from);
}

/** A view of that width around a place, inside the scale. */
export function viewAround(middle: number, width: number): View {
  const wide = Math.min(1, Math.max(LEAST_VIEW, width));
  const from = Math.min(1 - wide, Math.max(0, middle - wide / 2));
  return { from, to: from + wide };
}

/** Zoomed by a factor, so that what is at `at` (a place in the view, 0 … 1) stays where it is. */
export function zoomed(view: View, factor: number, at: number): View {
  const width = view.to - view.from;
  const wide = Math.min(1, Math.max(LEAST_VIEW, width * factor));
  const still = view.from + width * at;
  return viewAround(still + wide * (0.5 - at), wide);
}

/** A mark on the axis: where in the view, and the time since the scale began, without what is cut out. */
export interface Tick {
  readonly at: number;
  readonly offsetMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** Round marks, at most `most` of them besides the first. */
export function ticksOf(scale: Scale, view: View, most: number): Tick[] {
  let before = 0;
  const running = scale.flatMap((stretch) => {
    if (stretch.cut) return [];
    const offset = before;
    before += lengthOf(stretch);
    return [{ ...stretch, offset }];
  });
  const pace = running.at(-1);
  if (pace === undefined) return [];
  // One pace for all that is not cut.
  const shownMs = ((view.to - view.from) / (pace.to - pace.from)) * lengthOf(pace);
  const step = STEPS_MS.find((one) => shownMs / one <= most) ?? Math.ceil(shownMs / most / DAY) * DAY;
  return running.flatMap(({ offset, fromMs, toMs, from, to }) => {
    const length = toMs - fromMs;
    // The end of a stretch and the beginning of the next one are the same mark.
    const first = offset === 0 ? 0 : Math.floor(offset / step) + 1;
    const count = Math.floor((offset + length) / step) - first + 1;
    return Array.from({ length: count }, (_, i) => (first + i) * step).flatMap((offsetMs) => {
      const share = from + ((offsetMs - offset) / length) * (to - from);
      return share < view.from || share > view.to ? [] : [{ at: placeIn(view, share), offsetMs }];
    });
  });
}

/** What is cut out of the view: where, and how long it is. */
export interface Break extends View {
  readonly seconds: number;
}

export function breaksIn(scale: Scale, view: View): Break[] {
  return scale
    .filter(({ cut, from, to }) => cut && to > view.from && from < view.to)
    .map(({ from, to, fromMs, toMs }) => ({
      from: Math.max(0, placeIn(view, from)),
      to: Math.min(1, placeIn(view, to)),
      seconds: (toMs - fromMs) / 1000,
    }));
}

/** The bars that a view shows something of, with their ends as places in it. */
export function barsIn(
  scale: Scale,
  view: View,
  bars: readonly Bar[],
): readonly { readonly bar: Bar; readonly from: number; readonly to: number }[] {
  return bars
    .map((bar) => ({
      bar,
      from: placeIn(view, shareAt(scale, bar.fromMs)),
      to: placeIn(view, shareAt(scale, bar.toMs)),
    }))
    .filter(({ from, to }) => to >= 0 && from <= 1);
}
