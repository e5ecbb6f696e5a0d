import { expect, it } from "vitest";
import { attemptsOf } from "./derive.ts";

it("attemptsOf puts the present attempt last, once", () => {
  const past = { attempt: 1, status: "failed" as const };
  const base = { history: [past], started_at: "t", error_message: null };
  const stage = (fields: object) => ({ ...base, ...fields }) as unknown as Parameters<typeof attemptsOf>[0];
  expect(attemptsOf(stage({ attempt: 2, status: "running" })).map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(attemptsOf(stage({ attempt: 1, status: "pending" }))).toEqual([past]);
  expect(attemptsOf(stage({ attempt: 0, status: "pending", history: [] }))).toEqual([]);
});
