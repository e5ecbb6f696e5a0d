import { expect, test } from "vitest";
import { conditionHolds, conditionProblem } from "./condition.ts";

const scope = {
  outputs: {
    test: { passed: true, failures: [], count: 3, name: "a'b", nested: { list: [{ ok: true }] } },
    "2nd": {},
  },
  status: { test: "completed", lint: "failed" },
  input: { mode: "draft", n: 0 },
  failed: false,
};

test.each<[string, boolean]>([
  ["outputs.test.passed", true],
  ["!outputs.test.passed", false],
  ["outputs.test.passed && input.mode != 'draft'", false],
  ['outputs.test.passed || input.mode == "other"', true],
  ["true || false && false", true],
  ["(true || false) && false", false],
  ["outputs.test.count >= 3 && outputs.test.count < 4", true],
  ["outputs.test.count > -1.5", true],
  ["outputs.test.failures.length == 0", true],
  ["outputs.test.name.length == 3", true],
  ["outputs.test.nested.list[0].ok", true],
  ["outputs.test.nested.list[1].ok", false],
  ['outputs["2nd"].x == null', true],
  ["outputs['test'].name == 'a\\'b'", true],
  ["status.lint == 'failed' && !failed", true],
  ["input.n", false],
  ["input.missing.deeper", false],
  ["'b' > 'a'", true],
  ["'b' > 1", false],
  ["1 < null", false],
  ["!!1", true],
  // Own fields alone: nothing of a prototype is within reach.
  ["outputs.constructor", false],
  ["outputs.test.__proto__", false],
  ["outputs.test.failures.map", false],
  ["input.toString", false],
])("%s is %s", (text, expected) => {
  expect(conditionHolds(text, scope)).toBe(expected);
});

test.each<[string, string]>([
  ["", "found its end"],
  ["outputs.test.passed &&", "found its end"],
  ["outputs.test passed", "found passed at character 14"],
  ["outputs.test.passed = true", 'found "=" at character 21'],
  ["(true", "found its end in place of )"],
  ["outputs.test[", "found its end"],
  ["outputs.test[passed]", "found passed at character 14"],
  ["'open", 'found "\'" at character 1'],
  ["process.env.HOME", "expected one of outputs, status, input, failed, found process"],
  ["outputs.test.at(0)", "found ( at character 16"],
  ["output.test.passed", "did you mean outputs?, found output"],
  [
    "outputs.tset.passed",
    "expected a stage that this one needs (test, lint); did you mean test?, found outputs.tset",
  ],
  ["status", "expected a stage that this one needs (test, lint), found status"],
  [`${"(".repeat(40)}true${")".repeat(40)}`, "more than 32 levels of nesting"],
  [`${"true && ".repeat(200)}true`, "expected at most 1000 characters"],
])("%s is refused", (text, expected) => {
  const problem = conditionProblem(text, ["test", "lint"]);
  expect(`${problem?.expected}, found ${problem?.found}`).toContain(expected);
});

test("what no pipeline was checked with is an error and no answer", () => {
  expect(() => conditionHolds("1 +", scope)).toThrow("cannot be read");
});
