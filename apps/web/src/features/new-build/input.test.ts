import { expect, test } from "vitest";
import { EMPTY, inputOf, sortIssues, tagsOf } from "./input.ts";

test("what was left empty is left out", () => {
  expect(inputOf({ ...EMPTY, requirement: " do it " }, "key")).toEqual({
    requirement: "do it",
    pipeline: "agent-build",
    tags: [],
    priority: 3,
    idempotency_key: "key",
  });
  expect(inputOf({ ...EMPTY, project_name: " n " }, "key")).toMatchObject({ project_name: "n" });
});

test("tags are separated by commas of either script, and come once", () => {
  expect(tagsOf("a, b,,a，c、 d ")).toEqual(["a", "b", "c", "d"]);
});

test("what the API finds wrong is sorted by field", () => {
  const issues = [
    "requirement: too long",
    "tags.3: empty: no",
    "tags.4: also",
    "user_id: strange",
    "nonsense",
  ];
  expect(sortIssues(issues)).toEqual({
    byField: { requirement: "too long", tags: "empty: no" },
    others: ["user_id: strange", "nonsense"],
  });
});
