import { countWorkload } from "../counts/workload.ts";
import { rounded } from "../measure/figure.ts";
import type { Measurement } from "./measurement.ts";

/** What is counted, not timed: the same on every machine, but for how often an idle worker looks. */
export const counts: Measurement = {
  keys: [
    "requests_per_transition",
    "requests_per_build",
    "write_units_per_build",
    "write_units_vs_replaced",
    "item_bytes",
  ],
  async run({ short }) {
    const builds = short ? 32 : 300;
    const { stagefold, replaced } = await countWorkload(builds);
    return {
      requests_per_transition: rounded(stagefold.requests / stagefold.transitions),
      requests_per_build: rounded(stagefold.requests / builds),
      write_units_per_build: rounded(stagefold.write_units / builds),
      write_units_vs_replaced: rounded(stagefold.write_units / replaced.write_units),
      item_bytes: stagefold.item_bytes,
    };
  },
};
