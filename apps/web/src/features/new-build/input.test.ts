import { expect, test } from "vitest";
import type { PipelineInfo } from "../../lib/api.ts";
import { draftOf, EMPTY, fieldsIn, inputOf, isDraft, tagsOf } from "./input.ts";
import { problemsOf, sortIssues } from "./problems.ts";

/** A pipeline whose builds are told by their input what to do. */
const REPORT: PipelineInfo = {
  name: "report",
  version: "1",
  requirement: "optional",
  stages: [],
  limits: { tokens: 5000 },
  input_schema: {
    type: "object",
    properties: {
      pages: { type: "integer", minimum: 1, default: 3 },
      format: { enum: ["pdf", "html"] },
      address: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
    required: ["pages"],
  },
};

test("what was left empty is left out", () => {
  expect(inputOf({ ...EMPTY, requirement: " do it " }, undefined)).toEqual({
    requirement: "do it",
    pipeline: "agent-build",
    tags: [],
    priority: 3,
  });
  expect(inputOf({ ...EMPTY, project_name: " n " }, undefined)).toMatchObject({ project_name: "n" });
});

test("limits are numbers, a start is a time, and the input is typed by the pipeline's schema", () => {
  const draft = {
    ...EMPTY,
    pipeline: "report",
    cost_usd: "1.50",
    tokens: " 400000 ",
    start_at: "2026-11-30T08:00",
    entries: { pages: "7", format: "1" },
  };
  expect(inputOf(draft, REPORT)).toEqual({
    pipeline: "report",
    tags: [],
    priority: 3,
    limits: { cost_usd: 1.5, tokens: 400_000 },
    start_at: new Date(2026, 10, 30, 8).toISOString(),
    input: { pages: 7, format: "html" },
  });
  expect(inputOf({ ...EMPTY, pipeline: "report" }, REPORT)).toMatchObject({ input: { pages: 3 } });
  expect(problemsOf({ ...EMPTY, pipeline: "report" }, REPORT)).toEqual({ fields: {}, input: {} });
  expect(problemsOf({ ...draft, tokens: "1.5", seconds: "-1", entries: { pages: "x" } }, REPORT)).toEqual({
    fields: { tokens: { kind: "number" }, seconds: { kind: "number" } },
    input: { pages: "number" },
  });
});

test("a build that is made again brings its input and limits", () => {
  const source = {
    requirement: "",
    pipeline: "report",
    project_name: "n",
    tags: ["a", "b"],
    priority: 2,
    limits: { tokens: 10 },
  };
  const again = draftOf(source, { pages: 9, address: { city: "Ulm" } });
  expect(isDraft(again)).toBe(true);
  expect(inputOf(again, REPORT)).toEqual({
    pipeline: "report",
    project_name: "n",
    tags: ["a", "b"],
    priority: 2,
    limits: { tokens: 10 },
    input: { pages: 9, address: { city: "Ulm" } },
  });
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
    "limits.tokens: too many",
    "input.address.city: too short",
    "input: expected none",
  ];
  expect(sortIssues(issues)).toEqual({
    byField: { requirement: "too long", tags: "empty: no", tokens: "too many" },
    input: { "address.city": { said: "too short" } },
    others: ["user_id: strange", "nonsense", "input: expected none"],
  });
});

test("D15: what is too long or missing is known before the API is asked, in bytes", () => {
  expect(problemsOf({ ...EMPTY, requirement: "x" }).fields).toEqual({});
  expect(
    problemsOf({ ...EMPTY, requirement: " ", project_name: "名".repeat(67), tags: "签".repeat(22) }).fields,
  ).toEqual({
    requirement: { kind: "missing" },
    project_name: { kind: "long", size: 201, limit: 200 },
    tags: { kind: "long tag", tag: "签".repeat(22), size: 66, limit: 64 },
  });
  const many = Array.from({ length: 21 }, (_, i) => `t${i}`).join(",");
  expect(problemsOf({ ...EMPTY, requirement: "x", tags: many }).fields).toEqual({
    tags: { kind: "many tags", count: 21, limit: 20 },
  });
});

test("the address fills fields in, and nothing else", () => {
  expect(fieldsIn({ pipeline: "docs", priority: 2, from: "proj_x", requirement: { a: 1 } })).toEqual({
    pipeline: "docs",
    priority: "2",
  });
  const at = new Date(2026, 10, 30, 8, 15);
  expect(fieldsIn({ tokens: 100, input: { pages: 2 }, start_at: at.toISOString() })).toEqual({
    tokens: "100",
    input: '{"pages":2}',
    start_at: "2026-11-30T08:15",
  });
  expect(fieldsIn({ start_at: "soon", input: "text" })).toEqual({ start_at: "" });
});
