import { defineConfig } from "vitest/config";
import { project } from "../../tooling/vitest/project.ts";

const shared = project("store-testing");

// Many short files that change nothing global: they share their processes, so that zod and the AWS SDK are loaded once.
export default defineConfig({ ...shared, test: { ...shared.test, isolate: false } });
