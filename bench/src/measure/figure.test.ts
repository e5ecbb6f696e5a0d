import { expect, it } from "vitest";
import { figureOf, percentile } from "./figure.ts";

it("takes the middle of the runs, whatever their order", () => {
  expect(figureOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
  expect(figureOf([4, 1])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(() => figureOf([])).toThrow(RangeError);
});

it("counts samples for a percentile, and never reads beyond the last", () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(samples, 0.5)).toBe(50);
  expect(percentile(samples, 0.99)).toBe(99);
  expect(percentile([7], 0.99)).toBe(7);
});
