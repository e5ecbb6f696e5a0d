import { defineConfig } from "vitest/config";
import { maxWorkers } from "./tooling/vitest/project.ts";
import { SlowestFirst } from "./tooling/vitest/slowest-first.ts";

/** One run over all workspaces; each brings its own part through its vitest.config.ts. */
export default defineConfig({
  test: {
    projects: ["{apps,packages,tests}/*/vitest.config.ts", "bench/vitest.config.ts"],
    maxWorkers,
    sequence: { sequencer: SlowestFirst },
  },
});
