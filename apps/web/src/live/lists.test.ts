import { expect, test } from "vitest";
import type { ProjectSummary } from "../lib/api.ts";
import { type List, RecentLines, withLine, withRecent } from "./lists.ts";

/** A build made at this minute. */
function line(minute: number, more: Partial<ProjectSummary> = {}): ProjectSummary {
  return {
    project_id: `proj_${minute}`,
    project_name: "n",
    status: "queued",
    run: 1,
    tags: [],
    priority: 3,
    progress_percentage: 0,
    created_at: `2026-01-01T00:${minute}:00.000Z`,
    ...more,
  };
}

/** Two pages of which there may be more. */
function list(next_cursor: string | null): List {
  return {
    pages: [
      { items: [line(59), line(55)], next_cursor: "2" },
      { items: [line(50), line(45)], next_cursor },
    ],
    pageParams: [null, "2"],
  };
}
const ids = ({ pages }: List) =>
  pages.map(({ items }) => items.map(({ project_id }) => project_id).join(" "));

test("a line changes where it is, and the rest stays the same object", () => {
  const before = list("3");
  const after = withLine(before, "proj_50", line(50, { status: "failed" }));
  expect(after.pages[1]?.items[0]?.status).toBe("failed");
  expect(after.pages[0]).toBe(before.pages[0]);
  expect(after.pages[1]?.items[1]).toBe(before.pages[1]?.items[1]);
});

test("a new line comes to its place; one that is older than all that was read comes with its page", () => {
  expect(ids(withLine(list("3"), "proj_60", line(60)))).toEqual([
    "proj_60 proj_59 proj_55",
    "proj_50 proj_45",
  ]);
  expect(ids(withLine(list("3"), "proj_52", line(52)))).toEqual([
    "proj_59 proj_55",
    "proj_52 proj_50 proj_45",
  ]);
  expect(ids(withLine(list("3"), "proj_40", line(40)))).toEqual(["proj_59 proj_55", "proj_50 proj_45"]);
  expect(ids(withLine(list(null), "proj_40", line(40)))).toEqual([
    "proj_59 proj_55",
    "proj_50 proj_45 proj_40",
  ]);
});

test("what is gone goes, and what was made again under its id moves", () => {
  expect(ids(withLine(list("3"), "proj_55", undefined))).toEqual(["proj_59", "proj_50 proj_45"]);
  const again = line(58, { project_id: "proj_50" });
  expect(ids(withLine(list("3"), "proj_50", again))).toEqual(["proj_59 proj_50 proj_55", "proj_45"]);
});

test("what changed while a list was on its way is brought into it, if it passes the filter", () => {
  let now = 0;
  const recent = new RecentLines(() => now);
  recent.note("proj_50", line(50, { status: "failed" }));
  recent.note("proj_45", undefined);
  recent.note("proj_58", line(58));
  expect(ids(withRecent(list("3"), {}, recent))).toEqual(["proj_59 proj_58 proj_55", "proj_50"]);
  expect(ids(withRecent(list("3"), { status: "queued" }, recent))).toEqual(["proj_59 proj_58 proj_55", ""]);
  now = 60_000;
  expect(ids(withRecent(list("3"), {}, recent))).toEqual(ids(list("3")));
});
