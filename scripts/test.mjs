// npm test [-- <folder or file> …]: the tests of every workspace, each workspace as one cached task; --soak for the long
// form. Ends with one line alone on stdout: "N passed, N failed", and ", N skipped" when there are any.
import "./lib/node-version.mjs";
import { rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { runTool, toolEnv } from "./lib/run.mjs";
import { countTests, readReport, summaryLine } from "./lib/test-summary.mjs";
import { readWorkspaces, root } from "./lib/workspaces.mjs";

/** Workspaces whose tests run at once; each has test processes of its own (tooling/vitest/project.ts). */
const AT_ONCE = 2;

await command(async () => {
  await prepare({ build: false });
  const args = process.argv.slice(2);
  const soak = args.includes("--soak");
  const { filters, passedOn } = select(args.filter((arg) => arg !== "--soak"));
  const reports = readWorkspaces().map(({ dir }) => join(root, dir, ".turbo", "test-report.json"));
  for (const report of reports) rmSync(report, { force: true });
  const code = await runTool(
    "turbo/bin/turbo",
    [
      ...["run", "test", "--continue", `--concurrency=${AT_ONCE}`, "--output-logs=new-only", ...filters],
      ...(soak ? ["--force"] : []),
      ...["--", "--passWithNoTests", ...passedOn],
    ],
    { env: soak ? { ...toolEnv, SOAK: "1" } : toolEnv },
  );
  const counts = countTests(reports.map(readReport), code);
  for (const note of counts.notes) console.error(note);
  console.log(summaryLine(counts));
  return code || (counts.failed > 0 || counts.passed === 0 ? 1 : 0);
});

/**
 * A path means its workspace, and the files below it; anything else is for the test runner of every workspace.
 * @param {string[]} args
 */
function select(args) {
  /** @type {Set<string>} */
  const filters = new Set();
  /** @type {string[]} */
  const passedOn = [];
  for (const arg of args) {
    const path = relative(root, resolve(root, arg)).replaceAll("\\", "/");
    const workspace = readWorkspaces().find(({ dir }) => path === dir || path.startsWith(`${dir}/`));
    if (workspace === undefined || arg.startsWith("-")) passedOn.push(arg);
    else {
      filters.add(`--filter=./${workspace.dir}`);
      if (path !== workspace.dir) passedOn.push(path.slice(workspace.dir.length + 1));
    }
  }
  return { filters, passedOn };
}
