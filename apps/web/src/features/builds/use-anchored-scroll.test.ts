import { expect, test } from "vitest";
import { shiftOf } from "./use-anchored-scroll.ts";

const list = (...ids: string[]) => ids.map((project_id) => ({ project_id }));

test("the list moves by as many lines as come or go above what is read", () => {
  const before = list("e", "d", "c", "b", "a");
  expect(shiftOf(before, list("g", "f", "e", "d", "c", "b", "a"), 2)).toBe(2);
  expect(shiftOf(before, list("d", "c", "b", "a"), 2)).toBe(-1);
  expect(shiftOf(before, list("e", "d", "c", "a"), 2)).toBe(0);
});

test("when what is read is itself gone, the next that is still there stays", () => {
  expect(shiftOf(list("e", "d", "c", "b"), list("e", "d", "b"), 2)).toBe(-1);
});

test("nothing moves in another list", () => {
  expect(shiftOf(list("b", "a"), list("z", "y"), 0)).toBe(0);
  expect(shiftOf(list("b", "a"), [], 0)).toBe(0);
});
