import { canonicalJson } from "@stagefold/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSameJson } from "./same.ts";

// Few names and values, so that equal ones come up by themselves.
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, undefined, 0, 1, "", "a", true),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b"), tie("value"), { maxKeys: 2 }),
  ),
}));

test("values are the same when their text in one order of fields is", () => {
  const outcomes = new Set<boolean>();
  const check = (a: unknown, b: unknown) => {
    const expected = canonicalJson({ of: a }) === canonicalJson({ of: b });
    outcomes.add(expected);
    expect(isSameJson({ of: a }, { of: b })).toBe(expected);
  };
  fc.assert(fc.property(withoutHoles, withoutHoles, check), { numRuns: 2000 });
  expect(outcomes.size).toBe(2);
});

// JSON text writes an undefined element of a list as null; items have none.
const withoutHoles = value.map((one) => holesFilled(one));

function holesFilled(one: unknown): unknown {
  if (Array.isArray(one)) return one.map((inner) => holesFilled(inner) ?? null);
  if (typeof one !== "object" || one === null) return one;
  return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, holesFilled(inner)]));
}
