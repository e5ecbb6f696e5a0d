import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { describeEntry } from "../src/simulation/history.ts";
import { explain } from "../src/simulation/linearizability.ts";
import { type SimulationResult, simulate } from "../src/simulation/simulation.ts";

const SEEDS = SOAK ? 4000 : 100;
const SEEDS_AT_ONCE = SEEDS / 20;
/** The long form tries other seeds each time; the short one must say the same of the same source. */
const BEFORE_FIRST = SOAK ? Math.floor(Math.random() * 2 ** 31) : 0;
/** For a machine that does much else: fifty times what a seed takes on one that does not. */
const SEED_TIMEOUT_MS = 2000;

/** What is wrong with a run, for people. Empty when all is well. */
function faultsOf({ violations, histories }: SimulationResult): string[] {
  const unexplained = [...histories.ofProject].flatMap(([id, history]) => {
    const found = explain(history);
    switch (found.verdict) {
      case "linearizable":
        return [];
      case "not_linearizable":
        return [`${id} is not linearizable:\n${found.stuck.map(describeEntry).join("\n")}`];
      case "undecided":
        return [`${id}: the search for an order was cut short after ${found.tried} places`];
      default:
        return found satisfies never;
    }
  });
  return [...violations.map(({ kind, message }) => `${kind}: ${message}`), ...unexplained];
}

/** Runs a seed; fails with all that is wrong. */
export async function check(seed: number, traced: boolean): Promise<SimulationResult> {
  const result = await simulate({ seed, traced });
  const trace = traced ? `\n${result.trace.join("\n")}` : "";
  expect(faultsOf(result), `SIM_SEED=${seed} replays it${trace}`).toEqual([]);
  return result;
}

/** Tests of every seed from one share of all, 0 to 1, to another: in files of their own they run on several cores. */
export function testSeeds(from: number, to: number): void {
  const hits = new Map<string, number>();
  const firsts: number[] = [];
  for (let seed = from * SEEDS; seed < to * SEEDS; seed += SEEDS_AT_ONCE)
    firsts.push(BEFORE_FIRST + seed + 1);

  const limit = { timeout: Math.max(120_000, SEEDS_AT_ONCE * SEED_TIMEOUT_MS) };
  it.each(firsts)(`hold in ${SEEDS_AT_ONCE} seeds from %i`, limit, async (first) => {
    for (let seed = first; seed < first + SEEDS_AT_ONCE; seed++) {
      const { faults, overlaps } = await check(seed, false);
      hits.set("two stages at once", (hits.get("two stages at once") ?? 0) + overlaps);
      for (const [kind, count] of Object.entries(faults)) hits.set(kind, (hits.get(kind) ?? 0) + count);
    }
  });

  it("meet every kind of fault, and stages that run at once", () => {
    expect([...hits].filter(([, count]) => count === 0)).toEqual([]);
    expect(hits.size).toBeGreaterThan(0);
  });
}
