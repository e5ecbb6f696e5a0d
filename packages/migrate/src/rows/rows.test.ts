import { describe, expect, it } from "vitest";
import { formatLine, parseLine, UnreadableRow } from "./dynamo-json.ts";
import { readRow } from "./read-row.ts";

const origin = { source: "s", line: 1 };
const row = (value: object) => readRow(JSON.stringify(value), origin);

describe("a line", () => {
  const item = {
    text: "日本\n",
    number: -1.5,
    yes: true,
    nothing: null,
    list: [1, "a", { b: [] }],
    map: { S: { S: 1 } },
    texts: new Set(["a"]),
    numbers: new Set([1, 2]),
    bytes: new Uint8Array([0, 255]),
  };

  it("is read as it was written", () => {
    expect(parseLine(formatLine(item))).toEqual(item);
  });

  it.each([
    ["an item in DynamoDB JSON", '{"Item":{"a":{"N":"1"}}}', { a: 1 }],
    ["the same without its envelope", '{"a":{"N":"1"},"b":{"BOOL":false}}', { a: 1, b: false }],
    ["plain JSON", '{"a":1,"b":{"S":"x"}}', { a: 1, b: { S: "x" } }],
    ["a plain item", '{"Item":{"a":1}}', { a: 1 }],
    ["an item of nothing", '{"Item":{}}', {}],
  ])("may be %s", (_name, text, expected) => {
    expect(parseLine(text)).toEqual(expected);
  });

  it.each([
    ["", "it is not JSON"],
    ["{", "it is not JSON"],
    ["[1]", "expected a JSON object, found a list"],
    ["null", "expected a JSON object, found null"],
    ['{"a":{"N":"x"}}', 'expected the digits of a number, found "x"'],
    ['{"a":{"S":1}}', "expected a text, found a number"],
    ['{"a":{"M":1}}', "expected a value of DynamoDB JSON"],
    ['{"a":{"L":{}}}', "expected a list, found a object"],
    ['{"a":{"L":[{"X":1}]}}', "expected a value of DynamoDB JSON"],
  ])("%j is none", (text, sentence) => {
    expect(() => parseLine(text)).toThrow(UnreadableRow);
    expect(() => parseLine(text)).toThrow(sentence);
  });
});

describe("a row is told by its content", () => {
  const project_id = "p";

  it.each([
    ["project", { project_id, stages_snapshot: {} }],
    ["project", { project_id, requirement: "r", stage: "x" }],
    ["project", { project_id, status: "completed" }],
    ["stage", { project_id, stage_number: 1 }],
    ["stage", { project_id, stage_name: "需求分析", status: "completed" }],
    ["artifact", { project_id, artifact_id: "a" }],
    ["artifact", { project_id, file_path: "f", stage: "s" }],
  ])("%s: %o", (kind, value) => {
    expect(row(value)).toMatchObject({ kind, project_id });
  });

  it.each([
    [
      { date: "2025-01-01", builds: 3 },
      "expected a project, a stage, an artifact, an agent, a session, a message or an invocation, found a row of date, builds",
    ],
    [
      {},
      "expected a project, a stage, an artifact, an agent, a session, a message or an invocation, found no field",
    ],
    [
      { project_id, builds: 3 },
      "expected a project, a stage, an artifact, an agent, a session, a message or an invocation",
    ],
    [{ artifact_id: "a", file_path: "f" }, "expected a project_id"],
    [{ requirement: "r", project_id: 5 }, "expected a project_id"],
  ])("not: %o", (value, sentence) => {
    expect(() => row(value)).toThrow(sentence);
  });

  it("keeps of an artifact what says what it is like", () => {
    const given = { artifact_id: "a", project_id, stage: "s", file_path: "f", agent_id: "g" };
    const more = {
      created_at: "2025-01-01T00:00:00.123456Z",
      doc_path: "d",
      metadata: { a: 1 },
      size: 5,
      own: [1],
    };
    expect(row({ ...given, ...more })).toMatchObject({
      key: "a",
      path: "f",
      agent_id: "g",
      info: { created_at: "2025-01-01T00:00:00.123Z", doc_path: "d", metadata: { a: 1 }, size: 5, own: [1] },
    });
    expect(
      row({ ...given, size: "5", created_at: "yesterday", doc_path: null, metadata: "{}" }),
    ).toMatchObject({
      info: { metadata: {} },
    });
    expect(row({ ...given, metadata: "a note" })).toMatchObject({ info: { metadata: { value: "a note" } } });
  });

  it.each([[""], [null], [5], ["__proto__"]])("has no path in %j", (file_path) => {
    expect(row({ artifact_id: "a", project_id, stage: "s", file_path })).toMatchObject({ path: undefined });
  });
});
