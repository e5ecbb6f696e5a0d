import { expect, test } from "vitest";
import type { ProjectSummary } from "../../lib/api.ts";
import { filterOf, matchingFilter } from "./filter.ts";

function build(user_id: string | undefined, created_at = "2026-01-02T00:00:00.000Z"): ProjectSummary {
  return {
    project_id: "proj_000000000001",
    project_name: "n",
    status: "queued",
    run: 1,
    tags: [],
    priority: 3,
    progress_percentage: 0,
    created_at,
    ...(user_id !== undefined && { user_id }),
  };
}

test("an action on all that match means what the list shows, up to its newest build", () => {
  const builds = [build("ada"), build("lin", "2026-01-01T00:00:00.000Z")];
  expect(matchingFilter({ status: "failed", tag: "web", text: "x" }, builds)).toEqual({
    status: "failed",
    tag: "web",
    text: "x",
    until: "2026-01-02T00:00:00.001Z",
  });
  expect(matchingFilter({}, [])).toBeUndefined();
});

test("a long user that is searched for by text is cut as a text is", () => {
  const user = "字".repeat(85);
  expect(filterOf({ user }).text).toBe("字".repeat(66));
  expect(filterOf({ user, text: "x" })).toEqual({ user_id: user, text: "x" });
});

test("a day that ends before the newest build stays the end", () => {
  const search = { until: "2025-06-01" };
  expect(matchingFilter(search, [build("ada")])?.until).toBe(filterOf(search).until);
});

test("a part of a user's name stands for one user only where all that is shown is of one", () => {
  expect(matchingFilter({ user: "grace" }, [build("grace.h"), build("grace.h")])).toMatchObject({
    user_id: "grace.h",
  });
  expect(matchingFilter({ user: "grace" }, [build("grace.h"), build("grace.k")])).toBeUndefined();
  expect(matchingFilter({ user: "grace" }, [build(undefined)])).toBeUndefined();
  // What the list is searched for beside it stays.
  expect(matchingFilter({ user: "grace", text: "x" }, [build("grace.h")])).toMatchObject({ text: "x" });
});
