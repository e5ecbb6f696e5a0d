/**
 * Two records of one log as one. Old snapshots kept a part of what the stage's row has, or the other way round: the
 * larger one is taken; of two different ones, the second's lines follow.
 */
export function joinLogs(known: readonly string[], given: readonly string[]): readonly string[] {
  const inKnown = new Set(known);
  const missing = given.filter((line) => !inKnown.has(line));
  if (missing.length === 0) return known;
  const inGiven = new Set(given);
  return known.every((line) => inGiven.has(line)) ? given : [...known, ...missing];
}
