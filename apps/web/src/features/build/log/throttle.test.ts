import { expect, it, vi } from "vitest";
import { LogBuffer } from "./buffer.ts";
import { throttled } from "./throttle.ts";

it("tells of the first change at once, of the rest together, and of nothing once it is left", () => {
  vi.useFakeTimers();
  const buffer = new LogBuffer();
  const seen: number[] = [];
  const leave = throttled(buffer.subscribe, 100)(() => seen.push(buffer.length));
  for (let i = 0; i < 5; i++) buffer.append(["line"]);
  expect(seen).toEqual([1]);
  vi.advanceTimersByTime(100);
  expect(seen).toEqual([1, 5]);
  vi.advanceTimersByTime(500);
  buffer.append(["line"]);
  expect(seen).toEqual([1, 5, 6]);
  buffer.append(["line"]);
  leave();
  vi.advanceTimersByTime(500);
  expect(seen).toEqual([1, 5, 6]);
  vi.useRealTimers();
});
