import { existsSync, readFileSync } from "node:fs";

/**
 * @typedef {{ name: string, status: string, message?: string, assertionResults: { status: string }[] }} FileReport
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
    for (const { status } of file.assertionResults) {
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === "failed" && counts.failed === failedBefore) {
      counts.failed += 1;
      counts.notes.push(`Counted as one failure: ${file.name} did not load, or failed outside of its tests.`);
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

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
