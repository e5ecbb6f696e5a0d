import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { simulateTurns } from "../src/turn-simulation/simulate-turns.ts";
import type { TurnViolationKind, TurnWeakness } from "../src/turn-simulation/watch.ts";

/** One seed to replay. */
const { SIM_SEED } = process.env;
const SEEDS = SOAK ? 2000 : 60;
/** The long form tries other seeds each time; the short one must say the same of the same source. */
const start = SOAK ? Math.floor(Math.random() * 2 ** 31) : 1;
const first = SIM_SEED === undefined ? start : Number(SIM_SEED);
const last = SIM_SEED === undefined ? start + SEEDS - 1 : first;

it(`no turn is lost, doubled or reordered, and totals are exact, in seeds ${first} to ${last}`, async () => {
  const hits = new Map<string, number>();
  let [turns, interrupted] = [0, 0];
  for (let seed = first; seed <= last; seed++) {
    const result = await simulateTurns({ seed });
    expect(result.violations, `SIM_SEED=${seed} replays it`).toEqual([]);
    for (const [fault, count] of result.faults) hits.set(fault, (hits.get(fault) ?? 0) + count);
    turns += result.turns;
    interrupted += result.interrupted;
  }
  if (SIM_SEED !== undefined) return;
  expect([...hits.keys()].sort()).toEqual(
    [
      "clock_jumped",
      "crashed",
      "duplicated",
      "frozen",
      "late",
      "reply_lost",
      "request_dropped",
      "resent",
    ].sort(),
  );
  expect(turns).toBeGreaterThan(5 * SEEDS);
  expect(interrupted).toBeGreaterThan(SEEDS / 2);
});

// The tests of the tests: with a part of the fence taken out, the checks must find what comes of it.
const TAKEN_OUT: readonly [TurnWeakness, readonly TurnViolationKind[]][] = [
  ["an archive in place of another", ["archive_replaced"]],
  ["an end of another turn", ["wrong_totals", "turn_lost"]],
  ["owners without a token", ["older_token"]],
  ["a begin while a turn is open", ["turn_lost"]],
];

it.each(TAKEN_OUT)("a store that lets %s through is found out", async (weakness, kinds) => {
  const found = new Set<TurnViolationKind>();
  for (let seed = 1; seed <= 60 && !kinds.every((kind) => found.has(kind)); seed++)
    for (const { kind } of (await simulateTurns({ seed, weakness })).violations) found.add(kind);
  expect([...found]).toEqual(expect.arrayContaining([...kinds]));
});
