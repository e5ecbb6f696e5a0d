import { expect, test } from "vitest";
import { formatBytes, formatCompact, formatDuration, formatRelative, formatUntil } from "./format.ts";

test.each([
  [0, "0s", "0秒"],
  [0.0004, "1ms", "1ms"],
  [0.028, "28ms", "28ms"],
  [0.84, "840ms", "840ms"],
  [0.9996, "1s", "1秒"],
  [8, "8s", "8秒"],
  [8.04, "8s", "8秒"],
  [8.46, "8.5s", "8.5秒"],
  [9.96, "10s", "10秒"],
  [59.4, "59s", "59秒"],
  [59.6, "1m 0s", "1分0秒"],
  [3599, "59m 59s", "59分59秒"],
  [3600, "1h 0m", "1时0分"],
  [86_399, "1d 0h", "1天0时"],
  [90_000, "1d 1h", "1天1时"],
])("D17: %d seconds are %s, %s everywhere", (seconds, en, zh) => {
  expect([formatDuration(seconds, "en"), formatDuration(seconds, "zh")]).toEqual([en, zh]);
});

test("a clock that runs shows whole seconds", () => {
  expect([0, 5.9, 59.9].map((seconds) => formatDuration(seconds, "en", true))).toEqual(["0s", "5s", "59s"]);
});

test("times are told from now", () => {
  const now = Date.parse("2026-01-02T00:00:00.000Z");
  const told = (at: string) => [formatRelative(at, now, "en"), formatRelative(at, now, "zh")];
  expect(told("2026-01-02T00:00:00.000Z")).toEqual(["now", "现在"]);
  expect(told("2026-01-01T23:59:18.000Z")).toEqual(["42 seconds ago", "42秒钟前"]);
  expect(told("2026-01-01T23:55:00.000Z")).toEqual(["5 minutes ago", "5分钟前"]);
  expect(told("2026-01-01T00:00:00.000Z")).toEqual(["yesterday", "昨天"]);
  // A clock that is ahead.
  expect(told("2026-01-02T00:00:05.000Z")).toEqual(["now", "现在"]);
  expect(formatRelative("2026-01-01T23:55:00.000Z", now, "en", "narrow")).toBe("5m ago");
});

test("times to come are told from now too", () => {
  const now = Date.parse("2026-01-01T00:00:00.000Z");
  const told = (at: string) => [formatUntil(at, now, "en"), formatUntil(at, now, "zh")];
  expect(told("2026-01-01T02:05:00.000Z")).toEqual(["in 2h 5m", "2时5分后"]);
  expect(told("2025-12-31T23:00:00.000Z")).toEqual(["now", "现在"]);
});

test("bytes and counts", () => {
  expect([900, 6120, 5_000_000].map((bytes) => formatBytes(bytes, "en"))).toEqual([
    "900 B",
    "6 KB",
    "4.8 MB",
  ]);
  expect(formatCompact(18_820, "en")).toBe("18.8K");
});
