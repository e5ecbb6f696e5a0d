/** Whether a value has all that the sample has, each of the same type: what an older page kept may be anything. */
export function isLike(value: unknown, sample: unknown): boolean {
  if (Array.isArray(sample)) return Array.isArray(value);
  if (typeof sample !== "object" || sample === null) return typeof value === typeof sample;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(sample).every(([key, part]) => isLike(Reflect.get(value, key), part));
}
