import { describe, expect, it } from "vitest";
import type { Project, ProjectSummary, Stage } from "../../../lib/api.ts";
import { timeLeft } from "./estimate.ts";

const NOW = Date.parse("2025-06-01T12:00:00.000Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

let made = 0;
function earlier(
  stage_seconds: Record<string, number>,
  fields: Partial<ProjectSummary> = {},
): ProjectSummary {
  made += 1;
  return {
    project_id: `proj_${made}`,
    status: "completed",
    pipeline: "p",
    build_summary: { stage_seconds, input_tokens: 0, output_tokens: 0, tool_calls: 0, artifacts: 0 },
    ...fields,
  } as ProjectSummary;
}

function building(stages: readonly Partial<Stage>[], fields: Partial<Project> = {}): Project {
  const all = stages.map((one) => ({ progress: 0, status: "pending", ...one }));
  return {
    project_id: "proj_now",
    pipeline: "p",
    status: "building",
    stages_snapshot: { stages: all },
    ...fields,
  } as Project;
}

describe("timeLeft", () => {
  it("adds up what the stages that are left usually take", () => {
    const builds = [earlier({ a: 10, b: 100 }), earlier({ a: 20, b: 300 }), earlier({ a: 90, b: 200 })];
    const project = building([{ stage: "a", status: "running", started_at: ago(5) }, { stage: "b" }]);
    expect(timeLeft(project, builds, NOW)).toEqual({ seconds: 15 + 200, overdue: false, builds: 3 });
  });

  it("counts other pipelines, failed builds and itself not at all", () => {
    const builds = [
      earlier({ a: 1000 }, { pipeline: "other" }),
      earlier({ a: 1000 }, { status: "failed" }),
      earlier({ a: 1000 }, { project_id: "proj_now" }),
      earlier({ a: 10 }),
    ];
    expect(timeLeft(building([{ stage: "a" }]), builds, NOW)).toEqual({
      seconds: 10,
      overdue: false,
      builds: 1,
    });
  });

  it("listens to a stage that tells how far it is", () => {
    const half = { stage: "a", status: "running" as const, started_at: ago(40), progress: 50 };
    expect(timeLeft(building([half]), [earlier({ a: 60 })], NOW)?.seconds).toBe((20 + 40) / 2);
    expect(timeLeft(building([half]), [earlier({ a: 10 })], NOW)).toMatchObject({
      seconds: 40,
      overdue: false,
    });
  });

  it("says when a stage takes longer than ever", () => {
    const slow = { stage: "a", status: "running" as const, started_at: ago(100) };
    expect(timeLeft(building([slow]), [earlier({ a: 10 })], NOW)).toEqual({
      seconds: 0,
      overdue: true,
      builds: 1,
    });
  });

  it("guesses nothing without earlier builds, for an unknown stage, or for a build that does not run", () => {
    expect(timeLeft(building([{ stage: "a" }]), [], NOW)).toBeUndefined();
    expect(timeLeft(building([{ stage: "new" }]), [earlier({ a: 1 })], NOW)).toBeUndefined();
    expect(
      timeLeft(building([{ stage: "a" }], { status: "paused" }), [earlier({ a: 1 })], NOW),
    ).toBeUndefined();
  });
});
