import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { expect, it } from "vitest";
import { LongNumber } from "../snapshot/long-number.ts";
import { translation } from "./requests.ts";
import { toSdk } from "./values.ts";

const { marshallOptions, unmarshallOptions } = translation();
const marshalled = (value: unknown) => marshall({ value: toSdk(value) }, marshallOptions).value;
const there = (value: unknown) =>
  unmarshall({ value: marshalled(value) ?? { NULL: true } }, unmarshallOptions).value;

it("any JSON comes back as it was", () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom("constructor", "toString", "name", "Set"));
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.dictionary(keys, tie("json"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(
      json.filter((value) => !JSON.stringify(value).includes("__proto__")),
      (value) => {
        expect(JSON.stringify(there(value))).toBe(JSON.stringify(value));
      },
    ),
  );
});

it("a map is no instance of the class that its field `constructor` names", () => {
  for (const name of ["Set", "Map", "Number", "String", "Boolean", "Uint8Array"]) {
    const value = { constructor: { name }, inside: [{ constructor: { name }, a: 1 }] };
    expect(there(value), name).toEqual(value);
  }
});

it("a field `__proto__` is refused, not lost", () => {
  for (const text of ['{"__proto__": 1}', '[{"a": {"__proto__": {}}}]'])
    expect(() => toSdk(JSON.parse(text))).toThrowError(expect.objectContaining({ code: "INVALID_INPUT" }));
});

it("long numbers of other tables keep their digits, in sets too", () => {
  const long = new LongNumber("12345678901234567890.5");
  expect(marshalled({ long, set: new Set([1, long]), names: new Set(["a"]) })).toEqual({
    M: {
      long: { N: "12345678901234567890.5" },
      set: { NS: ["1", "12345678901234567890.5"] },
      names: { SS: ["a"] },
    },
  });
});

it("a plain value is passed on as it is", () => {
  const value = { a: [{ b: 1 }], bytes: new Uint8Array([1]) };
  expect(toSdk(value)).toBe(value);
});
