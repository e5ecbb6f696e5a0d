import { expect, test } from "vitest";
import { EMPTY, fieldsIn, inputOf, problemsOf, sortIssues, tagsOf } from "./input.ts";

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

test("D15: what is too long or missing is known before the API is asked, in bytes", () => {
  expect(problemsOf({ ...EMPTY, requirement: "x" })).toEqual({});
  expect(
    problemsOf({ ...EMPTY, requirement: " ", project_name: "名".repeat(67), tags: "签".repeat(22) }),
  ).toEqual({
    requirement: { kind: "missing" },
    project_name: { kind: "long", size: 201, limit: 200 },
    tags: { kind: "long tag", tag: "签".repeat(22), size: 66, limit: 64 },
  });
  const many = Array.from({ length: 21 }, (_, i) => `t${i}`).join(",");
  expect(problemsOf({ ...EMPTY, requirement: "x", tags: many })).toEqual({
    tags: { kind: "many tags", count: 21, limit: 20 },
  });
});

test("the address fills fields in, and nothing else", () => {
  expect(fieldsIn({ pipeline: "docs", priority: 2, from: "proj_x", requirement: { a: 1 } })).toEqual({
    pipeline: "docs",
    priority: "2",
  });
});
