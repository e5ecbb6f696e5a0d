import { expect, test } from "vitest";
import { fileRows, sortedJson } from "./model.ts";

test("files are told apart by what is in them, and those that differ come first", () => {
  const a = [
    { path: "same.txt", size: 3, sha256: "1" },
    { path: "old.txt", size: 3, sha256: "2" },
    { path: "text.md", size: 3, sha256: "3" },
    { path: "elsewhere.bin", size: 9 },
  ];
  const b = [
    { path: "same.txt", size: 3, sha256: "1" },
    { path: "text.md", size: 3, sha256: "4" },
    { path: "new.txt", size: 3, sha256: "5" },
    { path: "elsewhere.bin", size: 9 },
  ];
  expect(fileRows(a, b).map(({ path, change }) => `${path} ${change}`)).toEqual([
    "new.txt added",
    "old.txt removed",
    "text.md changed",
    "elsewhere.bin same",
    "same.txt same",
  ]);
});

test("of a path that several stages made the last one counts", () => {
  const twice = [
    { path: "x", sha256: "1" },
    { path: "x", sha256: "2" },
  ];
  expect(fileRows(twice, [{ path: "x", sha256: "2" }])).toMatchObject([{ change: "same" }]);
});

test("the order of keys makes no difference, at any depth", () => {
  expect(sortedJson({ b: { d: 1, c: [{ z: 1, a: 2 }] }, a: 0 })).toBe(
    sortedJson({ a: 0, b: { c: [{ a: 2, z: 1 }], d: 1 } }),
  );
  expect(sortedJson([1, 2])).not.toBe(sortedJson([2, 1]));
});
