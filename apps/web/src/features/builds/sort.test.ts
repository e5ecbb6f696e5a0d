import { expect, test } from "vitest";
import type { ProjectSummary } from "../../lib/api.ts";
import type { Sort } from "../../lib/builds-list.ts";
import { nextSort, sorted } from "./sort.ts";

const build = (project_name: string, fields: object = {}) =>
  ({
    project_name,
    status: "completed",
    priority: 3,
    created_at: "2026-01-01T00:00:00.000Z",
    ...fields,
  }) as ProjectSummary;
const names = (builds: readonly ProjectSummary[]) => builds.map(({ project_name }) => project_name).join(" ");

test("a list is put in order by what its columns show, and what has no such value comes last either way", () => {
  const builds = [
    build("topic_10", { build_summary: { cost_usd: 2, input_tokens: 5, output_tokens: 1 } }),
    build("topic_2", { status: "queued", priority: 1 }),
    build("Ada", { build_summary: { cost_usd: 3, input_tokens: 1, output_tokens: 0 } }),
  ];
  const by = (sort: Sort | undefined) => names(sorted(builds, sort, 0));
  expect(by(undefined)).toBe("topic_10 topic_2 Ada");
  expect(by("name")).toBe("Ada topic_2 topic_10");
  expect(by("-name")).toBe("topic_10 topic_2 Ada");
  expect(by("status")).toBe("topic_2 topic_10 Ada");
  expect(by("priority")).toBe("topic_2 topic_10 Ada");
  expect(by("-cost")).toBe("Ada topic_10 topic_2");
  expect(by("cost")).toBe("topic_10 Ada topic_2");
  expect(by("-tokens")).toBe("topic_10 Ada topic_2");
});

test("a build that runs is as long as it runs until now", () => {
  const at = (second: number) => new Date(second * 1000).toISOString();
  const builds = [
    build("runs", { status: "building", run: 1, started_at: at(10) }),
    build("ended", { run: 1, started_at: at(0), completed_at: at(50) }),
    build("waits", { status: "queued", run: 1 }),
  ];
  expect(names(sorted(builds, "-duration", 30_000))).toBe("ended runs waits");
  expect(names(sorted(builds, "-duration", 90_000))).toBe("runs ended waits");
});

test("a head sorts, turns the order around, and gives it up", () => {
  expect(nextSort(undefined, "cost")).toBe("-cost");
  expect(nextSort("-cost", "cost")).toBe("cost");
  expect(nextSort("cost", "cost")).toBeUndefined();
  expect(nextSort("-cost", "name")).toBe("name");
  expect(nextSort(undefined, "created")).toBe("created");
  expect(nextSort("created", "created")).toBeUndefined();
});
