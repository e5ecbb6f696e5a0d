import { expect, it } from "vitest";
import { chosen, rangeIn, rangeText, tellsOfError } from "./lines.ts";

it("lines are named as in an address", () => {
  expect(rangeIn("L120")).toEqual({ from: 120, to: 120 });
  expect(rangeIn("L140-L120")).toEqual({ from: 120, to: 140 });
  expect([rangeIn("error"), rangeIn(undefined), rangeIn("L")]).toEqual([undefined, undefined, undefined]);
  expect([rangeText({ from: 1, to: 1 }), rangeText({ from: 1, to: 3 })]).toEqual(["L1", "L1-L3"]);
});

it("a line is chosen alone, or up to it", () => {
  expect(chosen({ from: 3, to: 4 }, 9, false)).toEqual({ from: 9, to: 9 });
  expect(chosen({ from: 3, to: 4 }, 9, true)).toEqual({ from: 3, to: 9 });
  expect(chosen({ from: 3, to: 4 }, 1, true)).toEqual({ from: 1, to: 4 });
  expect(chosen(undefined, 2, true)).toEqual({ from: 2, to: 2 });
});

it.each([
  ["Error: order 4711 has no currency", true],
  ["TypeError: x is not a function", true],
  ["npm ERR! failed with 1", true],
  ["build failed", true],
  ["FATAL out of memory", true],
  ["Traceback (most recent call last):", true],
  ["compiled src/errors.ts", false],
  ["0 errors, 3 warnings", false],
  ["all is well", false],
  ["reading error-codes.json", false],
])("%s", (text, tells) => {
  expect(tellsOfError(text)).toBe(tells);
});
