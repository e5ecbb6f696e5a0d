import { expect, test } from "vitest";
import { all, NOTHING, pruned, toggled, withRange } from "./selection.ts";

const list = ["a", "b", "c", "d", "e"];
const ids = ({ ids: set }: { ids: ReadonlySet<string> }) => [...set].sort();

test("one is selected and deselected", () => {
  const one = toggled(NOTHING, "b");
  expect(ids(one)).toEqual(["b"]);
  expect(ids(toggled(one, "b"))).toEqual([]);
});

test("a range goes from the last one that was touched, in either direction, and keeps what is selected", () => {
  expect(ids(withRange(toggled(NOTHING, "b"), list, "d"))).toEqual(["b", "c", "d"]);
  expect(ids(withRange(toggled(NOTHING, "d"), list, "b"))).toEqual(["b", "c", "d"]);
  const more = withRange(toggled(toggled(NOTHING, "a"), "d"), list, "e");
  expect(ids(more)).toEqual(["a", "d", "e"]);
});

test("without a beginning in the list, a range is one", () => {
  expect(ids(withRange(NOTHING, list, "c"))).toEqual(["c"]);
  expect(ids(withRange(toggled(NOTHING, "gone"), list, "c"))).toEqual(["c", "gone"]);
});

test("what leaves the list is selected no longer; else nothing changes", () => {
  const selection = all(list);
  expect(ids(pruned(selection, ["b", "c", "x"]))).toEqual(["b", "c"]);
  expect(pruned(selection, [...list, "x"])).toBe(selection);
});
