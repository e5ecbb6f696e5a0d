// npm run test:soak:clean [-- times]: the long form of the tests from a fresh clone of the last commit, three times in a
// row unless it says otherwise. Ends at the first run that fails, and leaves that clone to be looked at.
import "./lib/node-version.mjs";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./lib/run.mjs";
import { root } from "./lib/workspaces.mjs";

const [given = "3"] = process.argv.slice(2);
if (!/^[1-9]\d{0,2}$/.test(given)) {
  console.error(`soak: expected how many times, such as 3; found ${given}.`);
  process.exit(2);
}
process.exitCode = await repeat(Number(given));

/** @param {number} times @returns {Promise<number>} the exit code */
async function repeat(times) {
  for (let i = 1; i <= times; i++) {
    const folder = mkdtempSync(join(tmpdir(), "stagefold-soak-"));
    // As a checkout usually is: some tests continue as another user, who must be able to read it.
    chmodSync(folder, 0o755);
    const started = performance.now();
    const code = await soak(folder);
    const took = `${((performance.now() - started) / 60_000).toFixed(1)} min`;
    if (code !== 0) {
      console.log(`soak ${i} of ${times}: failed after ${took}, in ${folder}`);
      return code;
    }
    console.log(`soak ${i} of ${times}: passed in ${took}`);
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

/** @param {string} folder an empty one */
async function soak(folder) {
  const { env } = process;
  const cloned = await run("git", ["clone", "--quiet", "--no-local", root, folder], { env });
  return cloned || (await run("npm", ["--prefix", folder, "run", "--silent", "test:soak"], { env }));
}
