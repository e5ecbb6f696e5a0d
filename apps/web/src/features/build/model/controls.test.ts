import { describe, expect, it } from "vitest";
import type { Project, ProjectStatus, StageStatus } from "../../../lib/api.ts";
import { readBuildSearch } from "../search.ts";
import { CONTROLS, canRetryFrom, isPausing, isPossible, stageInFocus } from "./controls.ts";

function project(status: ProjectStatus, stages: readonly StageStatus[], current?: string): Project {
  const all = stages.map((one, i) => ({
    stage: `s${i + 1}`,
    status: one,
    attempt: one === "pending" ? 0 : 1,
    history: [],
  }));
  return {
    status,
    ...(current !== undefined && { current_stage: current }),
    stages_snapshot: { stages: all },
  } as unknown as Project;
}

describe("controls", () => {
  it.each<[ProjectStatus, string[]]>([
    ["pending", ["resume", "cancel", "delete"]],
    ["queued", ["pause", "cancel", "delete"]],
    ["building", ["pause", "cancel", "delete"]],
    ["paused", ["resume", "cancel", "delete"]],
    ["completed", ["delete"]],
    ["failed", ["retry", "delete"]],
    ["cancelled", ["retry", "delete"]],
  ])("of a %s build", (status, expected) => {
    expect(CONTROLS.filter((control) => isPossible(control, { status }))).toEqual(expected);
  });

  it("offer a retry from any stage whose forerunners are done, once the build has ended", () => {
    const failed = project("failed", ["completed", "skipped", "failed", "pending"]);
    expect(["s1", "s2", "s3", "s4", "none"].filter((stage) => canRetryFrom(failed, stage))).toEqual([
      "s1",
      "s2",
      "s3",
    ]);
    expect(canRetryFrom(project("building", ["completed", "running"]), "s1")).toBe(false);
    expect(canRetryFrom(project("completed", ["completed"]), "s1")).toBe(true);
  });

  it("know pausing from paused", () => {
    expect(isPausing(project("paused", ["running"]))).toBe(true);
    expect(isPausing(project("paused", ["completed", "pending"]))).toBe(false);
    expect(isPausing(project("building", ["running"]))).toBe(false);
  });
});

describe("stageInFocus", () => {
  it.each<[ProjectStatus, StageStatus[], string | undefined, string]>([
    ["failed", ["completed", "failed", "pending"], "s2", "s2"],
    ["building", ["completed", "running", "pending"], "s2", "s2"],
    ["building", ["completed", "pending", "pending"], "s2", "s2"],
    ["completed", ["completed", "completed"], "s2", "s2"],
    ["queued", ["pending", "pending"], undefined, "s1"],
  ])("%s %j", (status, stages, current, expected) => {
    expect(stageInFocus(project(status, stages, current))?.stage).toBe(expected);
  });

  it("has none without stages", () => {
    expect(stageInFocus(project("pending", []))).toBeUndefined();
  });
});

it("an address that means nothing is as good as none", () => {
  expect(readBuildSearch({ view: "x", stage: 5, tab: "log", attempt: "2", more: 1 })).toEqual({
    tab: "log",
  });
});
