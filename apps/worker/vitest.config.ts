import { defineConfig } from "vitest/config";
import { project } from "../../tooling/vitest/project.ts";

const shared = project("worker");

export default defineConfig({ ...shared, test: { ...shared.test, setupFiles: ["./test/setup.ts"] } });
