import { type HistoryEntry, newStage } from "@stagefold/core";
import { expect, test } from "vitest";
import { failureCode, retryDelay } from "./failure.ts";

const failure = { message: "no", code: "STAGE_FAILED" };
const entry = (attempt: number, code: HistoryEntry["code"] = "STAGE_FAILED"): HistoryEntry => ({
  attempt,
  status: "failed",
  ...(code && { code }),
});
const stage = (history: HistoryEntry[]) => ({ ...newStage({ stage: "s" }, 0), history });

test("the wait doubles with each failure, give or take a fifth", () => {
  const policy = { attempts: 5, backoff_seconds: 10 };
  for (const [before, seconds] of [10, 20, 40, 80].entries()) {
    const delay = retryDelay(stage(Array.from({ length: before }, (_, i) => entry(i + 1))), policy, failure);
    expect(delay).toBeGreaterThanOrEqual(seconds * 0.8);
    expect(delay).toBeLessThanOrEqual(seconds * 1.2);
  }
  expect(retryDelay(stage([1, 2, 3, 4].map((i) => entry(i))), policy, failure)).toBeUndefined();
});

test("a lost worker uses up no attempt", () => {
  const history = [entry(1, "WORKER_LOST"), entry(2, "WORKER_LOST"), entry(3)];
  const policy = { attempts: 3, backoff_seconds: 1 };
  expect(retryDelay(stage(history), policy, failure)).toBeDefined();
  expect(retryDelay(stage([...history, entry(4)]), policy, failure)).toBeUndefined();
});

test("what is final is not tried again, whoever says so", () => {
  const policy = { attempts: 9, backoff_seconds: 1, final_codes: ["QUOTA", "STAGE_TIMEOUT"] };
  expect(retryDelay(stage([]), policy, { ...failure, final: true })).toBeUndefined();
  expect(retryDelay(stage([]), policy, { ...failure, code: "QUOTA" })).toBeUndefined();
  expect(retryDelay(stage([]), policy, { ...failure, code: "STAGE_TIMEOUT" })).toBeUndefined();
  expect(retryDelay(stage([]), policy, { ...failure, code: "ITEM_FULL" })).toBeUndefined();
  expect(retryDelay(stage([]), policy, { ...failure, retry_in_seconds: 1e9 })).toBe(86_400);
});

test("a code of the stage's own is a failed stage", () => {
  expect(failureCode("QUOTA")).toBe("STAGE_FAILED");
  expect(failureCode("OUTPUT_INVALID")).toBe("OUTPUT_INVALID");
});
