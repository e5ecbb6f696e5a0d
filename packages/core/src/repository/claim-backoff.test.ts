import { expect, test } from "vitest";
import type { DueWork } from "../ports/index.ts";
import { ClaimBackoff } from "./claim-backoff.ts";

const row: DueWork = {
  project_id: "proj_000000000001",
  work_queue: "agent_builds#p3#00",
  work_due_at: "2026-01-01T00:00:00.000Z",
};

test("each failure of a row doubles its wait, and a row that is due at another time is a new one", () => {
  let now = 0;
  const backoff = new ClaimBackoff(() => now);
  for (const wait of [10_000, 20_000, 40_000]) {
    backoff.add(row);
    now += wait - 1;
    expect(backoff.has(row)).toBe(true);
    now += 1;
    expect(backoff.has(row)).toBe(false);
  }
  backoff.add(row);
  expect(backoff.has({ ...row, work_due_at: "2026-01-01T00:01:00.000Z" })).toBe(false);
});

test("a project whose stage did not run here waits a second, whenever it is due, until a stage of it ran", () => {
  let now = 0;
  const backoff = new ClaimBackoff(() => now);
  backoff.addProject(row.project_id);
  expect(backoff.has({ ...row, work_due_at: "2026-01-01T00:01:00.000Z" })).toBe(true);
  now = 1000;
  expect(backoff.has(row)).toBe(false);
  backoff.addProject(row.project_id);
  backoff.clearProject(row.project_id);
  expect(backoff.has(row)).toBe(false);
});

test("the first error is news, also behind refusals, and so is a second refusal", () => {
  const news = (...errors: unknown[]) => {
    const backoff = new ClaimBackoff(() => 0);
    return errors.map((error) => backoff.add(row, error).isNews);
  };
  const error = new Error("unreadable");
  expect(news(undefined, undefined, undefined)).toEqual([false, true, false]);
  expect(news(error, error, undefined)).toEqual([true, false, false]);
  expect(news(undefined, error, error)).toEqual([false, true, false]);
});
