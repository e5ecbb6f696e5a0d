import { newStage, StagefoldError } from "@stagefold/core";
import { expect, test } from "vitest";
import { failureCode, refusedWrite, retryDelay } from "./failure.ts";

const failure = { message: "no", code: "STAGE_FAILED" };
const stage = (failed_attempts?: number) => ({
  ...newStage({ stage: "s" }, 0),
  ...(failed_attempts !== undefined && { failed_attempts }),
});

test("the wait doubles with each failure, with up to a fifth of jitter", () => {
  const policy = { attempts: 5, backoff_seconds: 10 };
  for (const [before, seconds] of [10, 20, 40, 80].entries()) {
    const delay = retryDelay(stage(before === 0 ? undefined : before), policy, failure);
    expect(delay).toBeGreaterThanOrEqual(seconds * 0.8);
    expect(delay).toBeLessThanOrEqual(seconds * 1.2);
  }
  expect(retryDelay(stage(4), policy, failure)).toBeUndefined();
});

test("what is final is not tried again, whether policy or stage says so", () => {
  const policy = { attempts: 9, backoff_seconds: 1, final_codes: ["QUOTA", "STAGE_TIMEOUT"] };
  expect(retryDelay(stage(), policy, { ...failure, final: true })).toBeUndefined();
  expect(retryDelay(stage(), policy, { ...failure, code: "QUOTA" })).toBeUndefined();
  expect(retryDelay(stage(), policy, { ...failure, code: "STAGE_TIMEOUT" })).toBeUndefined();
  expect(retryDelay(stage(), policy, { ...failure, code: "ITEM_FULL" })).toBeUndefined();
  expect(retryDelay(stage(), policy, { ...failure, retry_in_seconds: 1e9 })).toBe(86_400);
});

test("a code of the stage's own is a failed stage", () => {
  expect(failureCode("QUOTA")).toBe("STAGE_FAILED");
  expect(failureCode("OUTPUT_INVALID")).toBe("OUTPUT_INVALID");
});

test("what was forbidden, as an agent of another user, is not tried again, and the build says why", () => {
  const message = "The agent is bob's.";
  const refused = refusedWrite(new StagefoldError("FORBIDDEN", message, {}));
  expect(refused).toMatchObject({ message, code: "STAGE_FAILED" });
  expect(retryDelay(stage(), { attempts: 9, backoff_seconds: 1 }, refused)).toBeUndefined();
  const another = refusedWrite(new Error("no luck"));
  expect(retryDelay(stage(), { attempts: 9, backoff_seconds: 1 }, another)).toBeDefined();
});
