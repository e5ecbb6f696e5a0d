import { describe, expect, it } from "vitest";
import { answerSchemaSchema, checkedAnswer, checkedInput } from "./json-schema.ts";

const LONG = `${"a".repeat(64)}!`;
/** Each of its definitions needs the next one twice. */
const DOUBLING = {
  $ref: "#/$defs/d0",
  $defs: Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `d${i}`,
      i === 59
        ? { type: "string" }
        : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  ),
};

describe("W: a schema that others wrote cannot stop the process that checks a value against it", () => {
  it.each([
    ["nested repeats", "^(a+)+$"],
    ["alternatives that are the same", "^(a|a)*$"],
    ["what may be anything, many times", `^${"(.*)*".repeat(8)}b$`],
  ])("a pattern of %s", (_what, pattern) => {
    expect(() => checkedAnswer(LONG, { type: "string", pattern })).toThrow("takes too long");
    const input = { type: "object", properties: { text: { type: "string", pattern } } };
    expect(() => checkedInput({ text: LONG }, input)).toThrow("takes too long");
    expect(() => checkedInput({ text: 5 }, input)).toThrow("expected string");
  });

  it("names of fields by such a pattern", () => {
    const schema = { type: "object", patternProperties: { "^(a+)+$": { type: "number" } } };
    expect(() => checkedInput({ [LONG]: 1 }, schema)).toThrow("takes too long");
  });

  it("references that double", () => {
    expect(answerSchemaSchema.safeParse(DOUBLING).success).toBe(true);
    expect(() => checkedAnswer("x", DOUBLING)).toThrow("takes too long");
  });

  it("what takes no time is checked as ever", () => {
    expect(checkedAnswer("aaa", { type: "string", pattern: "^(a+)+$" })).toBe("aaa");
    expect(() => checkedAnswer("b", { type: "string", pattern: "^(a+)+$" })).toThrow("does not fit");
  });
});
