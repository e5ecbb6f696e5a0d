import { defineConfig } from "vitest/config";
import { project, testTimeoutMs } from "../../tooling/vitest/project.ts";

const shared = project("worker");

// Real processes, on machines that have other things to do: they are slow at times, and that is no fault.
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    testTimeout: Math.max(180_000, testTimeoutMs),
    setupFiles: ["./test/setup.ts"],
  },
});
