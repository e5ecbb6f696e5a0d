import { defineConfig } from "vitest/config";
import { maxWorkers } from "./tooling/vitest/project.ts";

/** All workspaces at once, for an editor or one file: `npx vitest run --project core src/patch`. */
export default defineConfig({
  test: {
    projects: ["{apps,packages,tests,examples}/*/vitest.config.ts", "bench/vitest.config.ts"],
    maxWorkers,
  },
});
