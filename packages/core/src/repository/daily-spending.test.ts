import { expect, it } from "vitest";
import { MemoryRecordStore } from "../memory/record-store.ts";
import { DailySpending } from "./daily-spending.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

it("is one exact sum of all writers, a day each", async () => {
  const records = new MemoryRecordStore();
  let now = Date.UTC(2026, 0, 31, 23, 59);
  const clock = { now: () => now };
  const writers = [1, 2, 3].map(() => new DailySpending(records, clock));
  await Promise.all(Array.from({ length: 60 }, (_, i) => writers[i % 3]?.add(0.1)));
  expect(await writers[0]?.today()).toBe(6);
  await writers[0]?.add(0);
  now += DAY_MS;
  expect(await writers[1]?.today()).toBe(0);
  await writers[1]?.add(0.00000001);
  expect(await writers[2]?.today()).toBe(0.00000001);
});
