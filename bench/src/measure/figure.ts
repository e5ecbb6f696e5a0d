/** A figure of several runs; `value` is the median. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, least and most of the runs. Throws a RangeError without any. */
export function figureOf(runs: readonly number[]): Figure {
  const sorted = [...runs].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError("expected at least one run, found none");
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? min) + (sorted[Math.ceil(middle)] ?? max)) / 2;
  return { median: rounded(median), min: rounded(min), max: rounded(max) };
}

/** The value that `share` (0 … 1) of the samples do not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("expected at least one sample, found none");
  return value;
}

/** Three significant digits, or whole numbers above a hundred. */
export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
