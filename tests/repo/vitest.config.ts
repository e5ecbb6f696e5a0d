import { defineConfig } from "vitest/config";
import { project } from "../../tooling/vitest/project.ts";

export default defineConfig(project("repo"));
