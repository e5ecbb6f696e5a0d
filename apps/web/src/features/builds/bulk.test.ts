import { expect, test } from "vitest";
import type { ProjectSummary } from "../../lib/api.ts";
import { BULK_ACTIONS, needsQuestion, possible } from "./bulk.ts";
import { STATUSES } from "./search.ts";

const builds = STATUSES.map(
  (status): ProjectSummary => ({
    project_id: `proj_${status}`,
    project_name: status,
    status,
    run: 1,
    tags: [],
    priority: 3,
    progress_percentage: 0,
    created_at: "2026-01-01T00:00:00.000Z",
  }),
);

test("what is possible follows from the state", () => {
  const table = Object.fromEntries(
    BULK_ACTIONS.map((action) => [action, possible(action, builds).map(({ status }) => status)]),
  );
  expect(table).toEqual({
    pause: ["queued", "building"],
    resume: ["pending", "paused"],
    retry: ["failed", "cancelled"],
    cancel: ["pending", "queued", "building", "waiting", "paused"],
    delete: STATUSES,
  });
});

test("what cannot be undone is asked about", () => {
  expect(BULK_ACTIONS.filter(needsQuestion)).toEqual(["cancel", "delete"]);
});
