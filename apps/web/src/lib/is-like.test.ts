import { expect, it } from "vitest";
import { isLike } from "./is-like.ts";

it("tells what a page kept from what an older one did, however deep", () => {
  const sample = { name: "", times: { day: "1" }, events: [] as string[], entries: {} };
  expect(isLike({ name: "a", times: { day: "2" }, events: ["x"], entries: { k: 1 }, more: 1 }, sample)).toBe(
    true,
  );
  for (const other of [
    { name: 1, times: { day: "2" }, events: [], entries: {} },
    { name: "a", times: {}, events: [], entries: {} },
    { name: "a", times: { day: "2" }, events: {}, entries: {} },
    { name: "a", times: { day: "2" }, events: [], entries: null },
    [],
    null,
    "draft",
  ])
    expect(isLike(other, sample), JSON.stringify(other)).toBe(false);
});
