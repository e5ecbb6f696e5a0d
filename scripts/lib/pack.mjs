import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { publicWorkspaces } from "./public-workspaces.mjs";
import { runTool, toolEnv } from "./run.mjs";
import { root } from "./workspaces.mjs";

/**
 * Writes the tarball of every public package, as it is built, into the folder.
 * @param {string} folder
 * @returns {Promise<number>} pnpm's exit code; what it prints is shown when it fails
 */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  const filters = publicWorkspaces().map(({ dir }) => `--filter=./${dir}`);
  const hooks = join(root, "scripts/lib/pack-hooks.cjs");
  const args = [
    "--recursive",
    ...filters,
    `--config.pnpmfile=${hooks}`,
    "pack",
    `--pack-destination=${folder}`,
  ];
  return runTool("pnpm/bin/pnpm.cjs", args, { env: toolEnv, quiet: true });
}
