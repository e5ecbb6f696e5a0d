import { expect, it } from "vitest";
import { marked } from "./mark.ts";

it("marks every place, whatever its case", () => {
  expect(marked([{ text: "an Error, error" }], "error")).toEqual([
    { text: "an " },
    { text: "Error", marked: true },
    { text: ", " },
    { text: "error", marked: true },
  ]);
});

it("marks what runs over pieces, and each keeps its look", () => {
  expect(marked([{ text: "er", bold: true }, { text: "ror!" }], "error")).toEqual([
    { text: "er", bold: true, marked: true },
    { text: "ror", marked: true },
    { text: "!" },
  ]);
});

it("leaves the rest alone", () => {
  const spans = [{ text: "fine" }];
  expect(marked(spans, "error")).toBe(spans);
  expect(marked(spans, "")).toBe(spans);
  expect(marked([{ text: "İx error" }], "error")).toEqual([{ text: "İx error" }]);
});
