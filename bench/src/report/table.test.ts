import { expect, it } from "vitest";
import { measurements } from "../measurements.ts";
import { GOALS } from "./goals.ts";
import { rowsOf, tableOf } from "./table.ts";

it("says of each figure its spread, and whether its goal is met", () => {
  const rows = rowsOf({
    requests_per_build: 9.5,
    vs_replaced: { median: 5.2, min: 5.1, max: 5.4 },
    watch_ms: { same_p50: 2, other_p99: 1400 },
    vs_bullmq: { absent: "redis-server is not installed" },
  });
  expect(rows.map(({ name, value, range, met }) => [name, value, range, met])).toEqual([
    ["requests_per_build", "9.5", "", "NO"],
    ["vs_replaced", "5.2", "5.1 – 5.4", "yes"],
    ["vs_bullmq", "–", "redis-server is not installed", ""],
    ["watch_ms: same_p50", "2", "", "yes"],
    ["watch_ms: other_p99", "1400", "", "NO"],
  ]);
  expect(tableOf({ item_bytes: 6000 })).toMatch(/^key .*goal +met\nitem_bytes +6000 +bytes +≤ 8192 +yes$/);
});

it("has a goal, or words for none, of every key that is measured", () => {
  const measured = measurements.flatMap(({ keys }) => keys);
  expect(new Set(GOALS.map(({ key }) => key))).toEqual(new Set(measured));
  expect(new Set(measured).size).toBe(measured.length);
});
