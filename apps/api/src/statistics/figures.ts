/** The value below which the share `q` (0 … 1) of the values lies, between neighbours in proportion. */
export function quantile(values: readonly number[], q: number): number {
  // Numbers in an array of their own kind are sorted without being compared one by one.
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return rounded(below + (above - below) * (at - Math.floor(at)), 3);
}

/** The sum of seconds, to the millisecond they are measured in. */
export function sumOf(seconds: readonly number[]): number {
  return rounded(
    seconds.reduce((sum, one) => sum + one, 0),
    3,
  );
}

/** 0 … 1, or null before anything ended. */
export function successRate(completed: number, failed: number): number | null {
  return completed + failed === 0 ? null : rounded(completed / (completed + failed), 4);
}

/** Without the digits that only adding and dividing in binary has made. */
function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
