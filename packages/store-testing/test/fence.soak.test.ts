import type { ProjectStore } from "@stagefold/core";
import { expect, it } from "vitest";
import type { ViolationKind } from "../src/simulation/checks.ts";
import type { FaultCounts } from "../src/simulation/faults.ts";
import { explain } from "../src/simulation/linearizability.ts";
import { simulate } from "../src/simulation/simulation.ts";
import type { Shape } from "../src/simulation/world.ts";
import { type Weakness, weakened } from "./weakened-store.ts";

// The tests of the tests: with a part of the fence taken out, the checks must find what comes of it.

interface TakenOut {
  readonly weakness: Weakness;
  /** What the watch over single writes calls it. */
  readonly kind: ViolationKind;
  /** The last seed that is tried: many times what it takes. */
  readonly seeds: number;
  /** The first of them. */
  readonly from?: number;
  /** Weather in which it shows. */
  readonly rates?: Partial<FaultCounts>;
  readonly shape?: Shape;
  /** Clocks are no part of what histories are explained by. */
  readonly isOfClocks?: true;
}

const CLOCKS_AND_COPIES = { clock_jumped: 0.5, duplicated: 0.6, crashed: 0.2, drained: 0, throttled: 0 };

const TAKEN_OUT: readonly TakenOut[] = [
  {
    weakness: "lease owners without a token",
    kind: "older_token",
    // The first ones show nothing: the history of seed 693 is the first without an explanation.
    from: 680,
    seeds: 2180,
    rates: { ...CLOCKS_AND_COPIES, request_dropped: 0 },
  },
  { weakness: "superseded lease owners", kind: "older_token", seeds: 40 },
  { weakness: "used numbers", kind: "number_used_twice", seeds: 200 },
  { weakness: "stages before what they need", kind: "needs_not_met", seeds: 20, shape: "diamond" },
  { weakness: "builds before their start", kind: "started_early", seeds: 40, isOfClocks: true },
  { weakness: "stages beyond a budget", kind: "budget_overrun", seeds: 60 },
  { weakness: "runs without their input", kind: "input_changed", seeds: 60 },
];

it.each(TAKEN_OUT)("a store that lets $weakness write is found out", async (given) => {
  const { weakness, kind, from = 1, seeds, rates, shape, isOfClocks = false } = given;
  const foundBy = { watch: 0, history: 0 };
  const isFound = () => foundBy.watch > 0 && (isOfClocks || foundBy.history > 0);
  for (let seed = from; seed <= seeds && !isFound(); seed++) {
    const wrap = (store: ProjectStore) => weakened(store, weakness);
    const { violations, histories } = await simulate({ seed, rates, shape, wrap });
    if (violations.some((one) => one.kind === kind)) foundBy.watch ||= seed;
    const verdicts = [...histories.ofProject.values()].map((history) => explain(history).verdict);
    if (verdicts.includes("not_linearizable")) foundBy.history ||= seed;
  }
  expect(foundBy.watch, "the first seed in which the watch over writes saw it").toBeGreaterThan(0);
  if (isOfClocks) return;
  expect(foundBy.history, "the first seed whose history has no explanation").toBeGreaterThan(0);
});

it("a store with the whole fence is not, in the same weather", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { violations, histories } = await simulate({ seed, rates: CLOCKS_AND_COPIES });
    expect(violations, `seed ${seed}`).toEqual([]);
    for (const history of histories.ofProject.values())
      expect(explain(history).verdict, `seed ${seed}`).toBe("linearizable");
  }
});
