import { describe } from "vitest";
import { testSeeds } from "./simulation.ts";

// Apart from simulation.test.ts, so that both run at the same time.
// Skipped when one seed is replayed.
describe.skipIf(process.env.SIM_SEED !== undefined)("workers and users over a store that fails", () => {
  testSeeds(0.5, 1);
});
