// npm run release [-- --dry-run]: publishes every public package at its version, those that others need first, with a
// statement of where they were built (provenance), which npm makes in the CI of a public repository.
import "./lib/node-version.mjs";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./lib/command.mjs";
import { packAll } from "./lib/pack.mjs";
import { prepare } from "./lib/prepare.mjs";
import { inOrder, publicWorkspaces, releaseProblem } from "./lib/public-workspaces.mjs";
import { run, toolEnv } from "./lib/run.mjs";
import { root } from "./lib/workspaces.mjs";

await command(async () => {
  const dryRun = process.argv.includes("--dry-run");
  const workspaces = inOrder(publicWorkspaces());
  const changes = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const status = execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  const problem = releaseProblem(workspaces, changes, status);
  if (problem !== undefined) {
    console.error(`release: ${problem}`);
    if (!dryRun) return 1;
  }
  await prepare({ build: true });
  const folder = mkdtempSync(join(tmpdir(), "stagefold-release-"));
  try {
    const code = await packAll(folder);
    if (code !== 0) return code;
    for (const { manifest } of workspaces) {
      const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
      const how = dryRun ? ["--dry-run"] : ["--provenance"];
      const published = await run("npm", ["publish", join(folder, file), "--access", "public", ...how], {
        env: toolEnv,
      });
      if (published !== 0) return published;
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
