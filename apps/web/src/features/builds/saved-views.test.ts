import { expect, test } from "vitest";
import { viewsIn } from "./saved-views.ts";

test("views that another version of the page kept are read as far as they mean something", () => {
  const kept = [
    { name: "mine", search: { user: "ada", status: "failed", columns: 3 } },
    { name: "odd", search: { status: "exploded" } },
    { name: 7, search: {} },
    "text",
    null,
  ];
  expect(viewsIn(kept)).toEqual([
    { name: "mine", search: { user: "ada", status: "failed" } },
    { name: "odd", search: {} },
  ]);
});
