import { expect, test } from "vitest";
import { baseOf } from "./base.ts";

test("the page knows the path that it is served below", () => {
  expect(["/", "/builds/", "/a/b/", "./", undefined].map(baseOf)).toEqual(["", "/builds", "/a/b", "", ""]);
});
