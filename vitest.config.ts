import { defineConfig } from "vitest/config";
import { maxWorkers } from "./tooling/vitest/project.ts";

/** One run over all workspaces; each brings its own part through its vitest.config.ts. */
export default defineConfig({
  test: { projects: ["{apps,packages,tests}/*/vitest.config.ts", "bench/vitest.config.ts"], maxWorkers },
});
