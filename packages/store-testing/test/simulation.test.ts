import { describe, expect, it } from "vitest";
import { simulate } from "../src/simulation/simulation.ts";
import { check, testSeeds } from "./simulation.ts";

/** One seed to replay, with its trace. */
const { SIM_SEED } = process.env;
/**
 * What once was taken for wrong and was right: a claim that was overtaken at once by one with a clock ahead, a record that
 * was made twice because another undid it, a pause that arrived when its project had been deleted and made again, a start
 * beyond the budget that ended the stage beside it. And what was wrong: a retry with the input that the build had.
 */
const ONCE_FOUND = [6573, 13_975, 16_084, 471_222_335, 471_221_736];

function manySeeds(): void {
  // simulation-rest.test.ts has the others.
  testSeeds(0, 0.5);

  it.each(ONCE_FOUND)("hold in seed %i", async (seed) => {
    expect((await check(seed, false)).writes).toBeGreaterThan(0);
  });

  it("do the same again under the same seed", async () => {
    const [first, second] = [
      await simulate({ seed: 6, traced: true }),
      await simulate({ seed: 6, traced: true }),
    ];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.trace).toEqual(first.trace);
    expect([...second.histories.ofProject]).toEqual([...first.histories.ofProject]);
    const other = await simulate({ seed: 7, traced: true });
    expect(other.trace).not.toEqual(first.trace);
  });
}

describe("workers and users over a store that fails", () => {
  if (SIM_SEED === undefined) return manySeeds();
  it(`hold under seed ${SIM_SEED}`, async () => {
    expect((await check(Number(SIM_SEED), true)).writes).toBeGreaterThan(0);
  });
});
