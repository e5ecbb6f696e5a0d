import { expect, test } from "vitest";
import { lintFiles } from "./support/lint.ts";

const readsEnv = "export const port = process.env.STAGEFOLD_PORT;\n";
const logs = 'console.log("x");\n';

const refused = {
  "packages/core/src/env-read.ts": [readsEnv, "lint/style/noProcessEnv"],
  "apps/api/src/http/env-read.ts": [readsEnv, "lint/style/noProcessEnv"],
  "apps/api/src/logs.ts": [logs, "lint/suspicious/noConsole"],
  "apps/api/src/any.ts": ["export const x: any = 1;\n", "lint/suspicious/noExplicitAny"],
  "apps/api/src/ignore.ts": ["// @ts-ignore\nexport const x = 1;\n", "lint/suspicious/noTsIgnore"],
  "apps/api/src/empty.ts": [
    "try {\n  JSON.parse('');\n} catch {}\n",
    "lint/suspicious/noEmptyBlockStatements",
  ],
  "apps/api/src/floating.ts": [
    "async function save(): Promise<void> {}\nexport function f(): void {\n  save();\n}\n",
    "lint/nursery/noFloatingPromises",
  ],
  "apps/api/src/only.test.ts": ['test.only("x", () => {});\n', "lint/suspicious/noFocusedTests"],
  "apps/api/src/skip.test.ts": ['test.skip("x", () => {});\n', "lint/suspicious/noSkippedTests"],
} as const;

const allowed = {
  "apps/api/src/env.ts": readsEnv,
  "packages/cli/src/env.ts": readsEnv,
  "apps/api/src/some.test.ts": readsEnv,
  "packages/cli/src/print.ts": logs,
};

const findings = lintFiles({
  ...Object.fromEntries(Object.entries(refused).map(([path, [text]]) => [path, text])),
  ...allowed,
});

test.each(Object.entries(refused))("%s is refused", (path, [, rule]) => {
  expect(findings.filter((finding) => finding.path === path).map((finding) => finding.rule)).toContain(rule);
});

test.each(Object.keys(allowed))("%s is allowed", (path) => {
  expect(findings.filter((finding) => finding.path === path)).toEqual([]);
});
