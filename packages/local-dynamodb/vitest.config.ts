import { defineConfig } from "vitest/config";

export default defineConfig({
  // Every test here starts real processes; the longest waits for the end of a stopped one.
  test: { include: ["src/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 30_000 },
});
