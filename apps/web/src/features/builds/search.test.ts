import { expect, test } from "vitest";
import { filtersOf, readSearch, STATUSES } from "./search.ts";

test("the filters are read from the address", () => {
  const search = { status: "failed", user: "ann", tag: "demo", text: "calc" };
  expect(readSearch(search)).toEqual(search);
  expect(readSearch({})).toEqual({});
});

test("what means nothing is as good as none", () => {
  expect(readSearch({ status: "nonsense", user: "", tag: { a: 1 }, text: null, other: "x" })).toEqual({});
  for (const status of ["toString", "__proto__", "constructor"]) expect(readSearch({ status })).toEqual({});
});

test("an order is read, and the one that there is anyway is none", () => {
  expect(readSearch({ sort: "-cost" })).toEqual({ sort: "-cost" });
  for (const sort of ["-created", "-", "constructor", "stages", 1]) expect(readSearch({ sort })).toEqual({});
  expect(filtersOf({ sort: "name", tag: "a" })).toEqual({ tag: "a" });
});

test("a text that looks like a number is a text, and one that is too long for the API is cut", () => {
  expect(readSearch({ text: 42, tag: true })).toEqual({ text: "42", tag: "true" });
  expect(readSearch({ tag: "t".repeat(100) }).tag).toHaveLength(64);
});

test("a Chinese text is cut by its bytes, as the API counts, and no character is cut in two", () => {
  const long = {
    text: "文".repeat(80),
    tag: "😀".repeat(20),
    user: "字".repeat(100),
    note: "é".repeat(1200),
  };
  expect(readSearch(long)).toEqual({
    text: "文".repeat(66),
    tag: "😀".repeat(16),
    user: "字".repeat(85),
    note: "é".repeat(1000),
  });
});

test("there is a filter for every state", () => {
  expect(STATUSES).toEqual([
    "pending",
    "queued",
    "building",
    "waiting",
    "paused",
    "completed",
    "failed",
    "cancelled",
  ]);
});
