// npm test [-- <vitest arguments>]: every test of every workspace in one run; --soak for the long form.
// Ends with one line alone on stdout: "N passed, N failed", and ", N skipped" when there are any.
import "./lib/node-version.mjs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { runTool, toolEnv } from "./lib/run.mjs";
import { countTests, readReport, summaryLine } from "./lib/test-summary.mjs";

await command(async () => {
  await prepare({ build: true });
  const folder = mkdtempSync(join(tmpdir(), "stagefold-test-report-"));
  try {
    return await runTests(join(folder, "report.json"), process.argv.slice(2));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** @param {string} reportPath @param {string[]} args */
async function runTests(reportPath, args) {
  const soak = args.includes("--soak");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`];
  const passedOn = args.filter((arg) => arg !== "--soak");
  const code = await runTool("vitest/vitest.mjs", ["run", ...reporters, ...passedOn], {
    env: soak ? { ...toolEnv, SOAK: "1" } : toolEnv,
  });
  const counts = countTests(readReport(reportPath), code);
  for (const note of counts.notes) console.error(note);
  console.log(summaryLine(counts));
  return code || (counts.failed > 0 || counts.passed === 0 ? 1 : 0);
}
