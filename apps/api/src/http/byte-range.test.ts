import { expect, test } from "vitest";
import { requestedRange } from "./byte-range.ts";

test.each([
  [undefined, undefined],
  ["bytes=0-0", { first: 0, last: 0 }],
  ["bytes=2-", { first: 2, last: 9 }],
  ["bytes=2-99", { first: 2, last: 9 }],
  ["bytes=-3", { first: 7, last: 9 }],
  ["bytes=-99", { first: 0, last: 9 }],
  ["BYTES= 1-2 ", { first: 1, last: 2 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=10-12", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=3-2", undefined],
  ["bytes=-", undefined],
  ["bytes=0-1,3-4", undefined],
  ["lines=0-1", undefined],
  ["bytes=a-b", undefined],
  [`bytes=${"9".repeat(17)}-`, undefined],
])("of ten bytes %j is %j", (header, range) => {
  expect(requestedRange(header, 10)).toEqual(range);
});

test("of no bytes there is no part", () => {
  expect(requestedRange("bytes=0-", 0)).toBe("unsatisfiable");
  expect(requestedRange("bytes=-1", 0)).toBe("unsatisfiable");
});
