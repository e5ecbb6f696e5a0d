import { defineConfig } from "vitest/config";

export default defineConfig({
  // Every test here starts real processes; on a busy machine that takes its time.
  test: { include: ["src/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 60_000 },
});
