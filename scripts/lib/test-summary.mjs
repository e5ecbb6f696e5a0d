import { existsSync, readFileSync } from "node:fs";

const MESSAGE_LINES = 30;

/**
 * @typedef {{ status: string, fullName: string, failureMessages?: string[] | null }} TestReport
 * @typedef {{ name: string, status: string, message?: string, assertionResults: TestReport[] }} FileReport
 * @typedef {{ testResults: FileReport[] }} Report the part of vitest's JSON report that is read here
 * @typedef {{ passed: number, failed: number, skipped: number, notes: string[] }} Counts
 */

/**
 * @param {string} path
 * @returns {Report | undefined} undefined when the run ended before it wrote one
 */
export function readReport(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/**
 * Counts every test of these reports. A file that did not load, or whose hooks failed, counts as one failure, and so does a
 * run that failed although none of its tests did (such as an uncaught error): the line must never
 * look better than the run was.
 * @param {readonly (Report | undefined)[]} reports
 * @param {number} exitCode of the test run
 * @returns {Counts}
 */
export function countTests(reports, exitCode) {
  /** @type {Counts} */
  const counts = { passed: 0, failed: 0, skipped: 0, notes: [] };
  for (const file of reports.flatMap((report) => report?.testResults ?? [])) {
    const failedBefore = counts.failed;
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") {
        counts.failed += 1;
        counts.notes.push(`Failed: ${file.name} > ${fullName}\n${start(failureMessages?.join("\n"))}`);
      } else counts.skipped += 1;
    }
    if (file.status === "failed" && counts.failed === failedBefore) {
      counts.failed += 1;
      counts.notes.push(
        `Counted as one failure: ${file.name} did not load, or failed outside of its tests.\n${start(file.message)}`,
      );
    }
  }
  if (counts.passed + counts.failed === 0) counts.notes.push("No test ran: expected at least one.");
  else if (exitCode !== 0 && counts.failed === 0) {
    counts.failed = 1;
    counts.notes.push(
      `Counted as one failure: the run ended with exit code ${exitCode} although no test failed.`,
    );
  }
  return counts;
}

/**
 * The lines of a message that say what failed; all of it stands above, in the output of its workspace.
 * @param {string | undefined} message
 */
function start(message = "") {
  return message
    .split("\n", MESSAGE_LINES)
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
