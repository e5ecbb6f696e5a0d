import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { countTests, readReport, summaryLine } from "../../../scripts/lib/test-summary.mjs";
import { root } from "./support/tree.ts";

const passes = 'test("passes", () => expect(1).toBe(1));\n';

/** Runs real tests in a folder of their own and returns the line about them. */
function summaryOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "stagefold-summary-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const report = join(folder, "report.json");
    const args = ["run", "--root", folder, "--globals", "--reporter=json", `--outputFile.json=${report}`];
    const { status } = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args]);
    return summaryLine(countTests([readReport(report)], status ?? 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("passed, failed and skipped tests are counted", () => {
  const text = `${passes}test("fails", () => expect(1).toBe(2));\ntest.skip("later", () => {});\n`;
  expect(summaryOf({ "a.test.js": text, "b.test.js": passes })).toBe("2 passed, 1 failed, 1 skipped");
});

test("each failure is named, and how it began", () => {
  const report = {
    testResults: [
      {
        name: "/a/b.test.ts",
        status: "failed",
        assertionResults: [
          {
            status: "failed",
            fullName: "group fails",
            failureMessages: ["expected 1 to be 2\n    at line 3"],
          },
        ],
      },
      { name: "/a/c.test.ts", status: "failed", message: "Cannot find module 'x'", assertionResults: [] },
    ],
  };
  expect(countTests([report], 1).notes).toEqual([
    "Failed: /a/b.test.ts > group fails\n  expected 1 to be 2\n      at line 3",
    "Counted as one failure: /a/c.test.ts did not load, or failed outside of its tests.\n  Cannot find module 'x'",
  ]);
});

test("a file that does not load is one failure", () => {
  expect(summaryOf({ "a.test.js": passes, "b.test.js": 'import "./missing.js";\n' })).toBe(
    "1 passed, 1 failed",
  );
});

test("a failing hook is one failure", () => {
  const text = `${passes}describe("group", () => { beforeAll(() => { throw new Error("x"); }); ${passes} });\n`;
  expect(summaryOf({ "a.test.js": text })).toMatch(/^1 passed, 1 failed/);
});

test("an error outside of every test is one failure", () => {
  const text = `${passes}setTimeout(() => { throw new Error("nobody catches this"); });
    test("waits", async () => { await new Promise((r) => setTimeout(r, 200)); expect(1).toBe(1); });\n`;
  expect(summaryOf({ "a.test.js": text })).toBe("2 passed, 1 failed");
});

test("a run that ends without a report is not a success", () => {
  expect(countTests([undefined], 1)).toMatchObject({
    passed: 0,
    failed: 0,
    notes: ["No test ran: expected at least one."],
  });
});
