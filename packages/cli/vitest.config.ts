import { defineConfig } from "vitest/config";
import { project } from "../../tooling/vitest/project.ts";

const shared = project("cli");

// Most commands run in the process of the test: times are shown as in the programs that it starts.
export default defineConfig({ ...shared, test: { ...shared.test, env: { TZ: "UTC" } } });
