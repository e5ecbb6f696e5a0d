import { type Item, normalise, type Project } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { readBuildRow } from "../rows/read-row.ts";
import type { ArtifactRow, StageRow } from "../rows/row.ts";
import { joinLogs } from "./logs.ts";
import { mergeRows } from "./merge-rows.ts";
import { placeOf } from "./place.ts";

const project_id = "proj_0123456789ab";
const aProject = (stages: readonly Item[], more: Item = {}): Project =>
  normalise({ project_id, requirement: "r", status: "completed", ...more, stages_snapshot: { stages } });

function rowOf(value: Item): StageRow | ArtifactRow {
  const row = readBuildRow(JSON.stringify({ project_id, ...value }), { source: "s", line: 1 });
  if (row.kind === "project") throw new Error("expected a part of a project");
  return row;
}
const waiting = { orphans: "wait", unknownStage: "wait" } as const;
const merge = (project: Project, ...rows: Item[]) =>
  mergeRows(project, rows.map(rowOf), waiting, (known) => Promise.resolve(known));
const stage = (value: Item): Item => ({ stage_number: 1, ...value });
const artifact = (value: Item): Item => ({ artifact_id: "a", file_path: "f", ...value });

describe("the place of a row", () => {
  const project = aProject([
    { stage: "requirements_analyzer" },
    { stage: "agent_developer_manager", sub_stages: { tool_developer: {}, prompt_engineer: {} } },
    { stage: "stage_x", stage_name: "部署" },
    { stage: "prompt_engineering" },
  ]);

  it.each([
    ["requirements_analysis", { position: 0 }],
    ["需求分析", { position: 0 }],
    ["tools_developer", { position: 1, part: "tool_developer" }],
    ["工具开发", { position: 1, part: "tool_developer" }],
    // A whole stage goes before a part, under whatever name.
    ["prompt_engineer", { position: 3 }],
    ["部署", { position: 2 }],
    ["deployment", undefined],
    ["", undefined],
    ["toString", undefined],
  ])("of %s", (name, place) => {
    expect(placeOf(project, name)).toEqual(place);
  });
});

describe("a row of a stage", () => {
  it("fills what is missing, and overrides nothing", async () => {
    const known = aProject([
      {
        stage: "one",
        status: "failed",
        started_at: "2025-01-01T00:00:00Z",
        error_message: "known",
        own: "known",
      },
    ]);
    const { project, outcomes } = await merge(
      known,
      stage({
        stage: "one",
        status: "completed",
        started_at: "2024-01-01T00:00:00Z",
        completed_at: "2025-01-01T00:00:09Z",
        agent_name: "a",
        error_message: "other",
        metrics: { input_tokens: 5 },
        output_data: { words: 1, artifacts: ["x"] },
        own: "other",
        more: [1],
      }),
    );
    expect(outcomes).toEqual([{ row: expect.anything() }]);
    expect(project.stages_snapshot.stages[0]).toMatchObject({
      status: "failed",
      started_at: "2025-01-01T00:00:00.000Z",
      completed_at: "2025-01-01T00:00:09.000Z",
      agent_name: "a",
      error_message: "known",
      metrics: { input_tokens: 5 },
      output_data: { words: 1, artifacts: ["x"] },
      own: "known",
      more: [1],
    });
  });

  it("says how a stage went that the snapshot never heard of, with all that follows", async () => {
    const { project } = await merge(
      aProject([{ stage: "one", status: "completed" }, { stage: "two" }], { status: "building" }),
      stage({ stage: "two", status: "completed", completed_at: "2025-01-01T00:00:00Z" }),
    );
    expect(project).toMatchObject({
      status: "pending",
      progress_percentage: 100,
      stages_snapshot: { completed: 2, stages: [{}, { status: "completed", attempt: 1, progress: 100 }] },
    });
  });

  it("goes to the part of a stage where the project nests it", async () => {
    const { project } = await merge(
      aProject([
        { stage: "manager", status: "completed", sub_stages: { tool_developer: { status: "pending" } } },
      ]),
      stage({
        stage: "tools_developer",
        status: "completed",
        output_data: { artifacts: ["t"] },
        logs: ["l"],
      }),
    );
    expect(project.stages_snapshot).toMatchObject({
      total: 1,
      stages: [
        {
          output_data: { artifacts: ["t"] },
          logs: ["l"],
          sub_stages: { tool_developer: { status: "completed", artifacts: ["t"] } },
        },
      ],
    });
  });

  it("makes its stage, in order of the numbers, and at most 64", async () => {
    const numbers = Array.from({ length: 70 }, (_, i) => stage({ stage: `s${i}`, stage_number: i }));
    const { project, outcomes } = await merge(aProject([]), ...numbers.toReversed());
    expect(project.stages_snapshot.stages.map((one) => one.stage)).toEqual(
      Array.from({ length: 64 }, (_, i) => `s${i}`),
    );
    expect(outcomes.filter(({ reason }) => reason === "no such stage")).toHaveLength(6);
  });

  it("changes no stage of a project that was run since", async () => {
    const known = { ...aProject([{ stage: "one" }]), lease_seq: 4 };
    const { project, outcomes } = await merge(known, stage({ stage: "one", status: "completed" }));
    expect(project).toBe(known);
    expect(outcomes).toMatchObject([{ reason: "already there", detail: expect.stringContaining("was run") }]);
  });
});

describe("a row of an artifact", () => {
  it("adds a path, or details of one; the same path twice is one artifact", async () => {
    const known = aProject([
      { stage: "one", output_data: { artifacts: ["a"], artifact_info: { a: { doc_path: "known" } } } },
    ]);
    const { project, outcomes } = await merge(
      known,
      artifact({ stage: "one", file_path: "a", doc_path: "other" }),
      artifact({ stage: "one", file_path: "a", doc_path: "other", metadata: { x: 1 } }),
      artifact({ stage: "one", file_path: "b" }),
      artifact({ stage: "one", file_path: "b" }),
    );
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      "already there",
      undefined,
      undefined,
      "already there",
    ]);
    expect(project.stages_snapshot.stages[0]?.output_data).toEqual({
      artifacts: ["a", "b"],
      artifact_info: { a: { doc_path: "known", metadata: { x: 1 } } },
    });
  });

  it("gives its agent to a project that names none, and keeps it where it is another", async () => {
    const { project } = await merge(
      aProject([{ stage: "one" }]),
      artifact({ stage: "one", file_path: "a", agent_id: "agent_1" }),
      artifact({ stage: "one", file_path: "b", agent_id: "agent_2" }),
    );
    expect(project.agent_id).toBe("agent_1");
    expect(project.stages_snapshot.stages[0]?.output_data.artifact_info).toEqual({
      b: { agent_id: "agent_2" },
    });
  });
});

describe("two records of one log", () => {
  it.each([
    [["a", "b"], ["b"], ["a", "b"]],
    [["b"], ["a", "b"], ["a", "b"]],
    [["a"], ["b"], ["a", "b"]],
    [[], ["a"], ["a"]],
  ])("%j and %j are %j", (known, given, expected) => {
    expect(joinLogs(known, given)).toEqual(expected);
    expect(joinLogs(expected, given)).toEqual(expected);
  });
});
