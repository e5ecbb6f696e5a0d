import { describe, expect, it } from "vitest";
import { itemBytes } from "../snapshot/limits.ts";
import {
  artifactInfoSchema,
  errorInfoSchema,
  metricsSchema,
  type Project,
  projectSchema,
  stageSchema,
  subStageSchema,
} from "../snapshot/schema.ts";
import { aProject } from "../testing/builders.ts";
import { isCurrentVersion, normalise } from "./normalise.ts";

const base = {
  project_id: "proj_0123456789ab",
  project_name: "old",
  status: "completed",
  created_at: "2025-01-01T00:00:00.123456Z",
};
const stages = [
  { stage: "requirements_analysis", stage_number: 1, status: "completed", output_data: { artifacts: ["a"] } },
  { stage: "prompt_engineer", stage_number: 2, status: "pending" },
];
const snapshot = { total: 2, completed: 0, stages, note: "kept" };
const read = (fields: object) => normalise({ ...base, ...fields });
const keys = (project: Project) => project.stages_snapshot.stages.map((stage) => stage.stage);

describe("an older form of the snapshot", () => {
  it.each([
    ["a map", snapshot],
    ["JSON text", JSON.stringify(snapshot)],
    ["JSON text in JSON text", JSON.stringify(JSON.stringify(snapshot))],
    ["the list alone", stages],
    ["the list as text", JSON.stringify(stages)],
  ])("is read from %s", (_name, stages_snapshot) => {
    const project = read({ stages_snapshot });
    expect(project.stages_snapshot).toMatchObject({ total: 2, completed: 1 });
    expect(keys(project)).toEqual(["requirements_analysis", "prompt_engineer"]);
    expect(project.stages_snapshot.stages[0]).toMatchObject({ attempt: 1, progress: 100, weight: 1 });
    expect(project).toMatchObject({ progress_percentage: 50, created_at: "2025-01-01T00:00:00.123Z" });
    expect(project.item_bytes).toBe(itemBytes(project));
  });

  it("keeps what it does not know, of the snapshot too", () => {
    const stage = { stage: "s", status: "pending", extra: { deep: [1] } };
    const project = read({ stages_snapshot: { ...snapshot, stages: [stage] }, artifacts_base_path: "p/old" });
    expect(project).toMatchObject({ artifacts_base_path: "p/old", stages_snapshot: { note: "kept" } });
    expect(project.stages_snapshot.stages[0]).toMatchObject({ extra: { deep: [1] } });
  });

  it.each([
    ["no snapshot", {}, 0],
    ["null", { stages_snapshot: null }, 0],
    ["an empty map", { stages_snapshot: {} }, 0],
    ["an empty text", { stages_snapshot: " " }, 0],
    ["no stages", { stages_snapshot: { total: 3 } }, 0],
  ])("may be %s", (_name, fields, total) => {
    expect(read(fields)).toMatchObject({ progress_percentage: 100, stages_snapshot: { total, stages: [] } });
  });

  it.each([
    ["damaged text", '{"total": 7, "stages": ['],
    ["a number", 7],
    ["text of a number", "7"],
    ["text in text in text in text", JSON.stringify(JSON.stringify(JSON.stringify("{}")))],
    ["stages as a map", { stages: { one: {} } }],
    ["a stage that is text", { stages: ["requirements_analysis"] }],
    ["more than 64 stages", { stages: Array.from({ length: 65 }, (_, i) => ({ stage: `s${i}` })) }],
  ])("cannot be read from %s", (_name, stages_snapshot) => {
    expect(() => read({ stages_snapshot })).toThrow(
      expect.objectContaining({
        code: "SNAPSHOT_UNREADABLE",
        data: { project_id: base.project_id },
        message: expect.stringContaining(base.project_id),
      }),
    );
  });
});

describe("an older form of a stage", () => {
  const stageFrom = (stage: object) => {
    const [one] = read({ stages_snapshot: { stages: [stage] } }).stages_snapshot.stages;
    if (!one) throw new Error("one stage");
    return one;
  };

  it.each([
    [{ name: "agent_designer", display_name: "Agent设计", order: 3 }, "agent_designer", "Agent设计"],
    [
      { stage: "requirements_analyzer", stage_name: "需求分析", stage_number: 1 },
      "requirements_analyzer",
      "需求分析",
    ],
    [
      { stage: "prompt_engineer", stage_name: "prompt_engineer", stage_name_cn: "提示词工程" },
      "prompt_engineer",
      "提示词工程",
    ],
    [{ stage_name: "工具开发" }, "tools_developer", "工具开发"],
    [{ name: "代码开发" }, "agent_code_developer", "代码开发"],
    [{ name: "Something Else" }, "stage_1", "Something Else"],
    [{ name: "__proto__" }, "stage_1", "__proto__"],
    [{ name: "constructor" }, "constructor", "constructor"],
    [{}, "stage_1", "stage_1"],
  ])("%o is named", (raw, stage, stage_name) => {
    const one = stageFrom(raw);
    expect(one).toMatchObject({ stage, stage_name, stage_number: 1, status: "pending" });
    expect(one).not.toHaveProperty("display_name");
    expect(one).not.toHaveProperty("order");
  });

  it("gives each stage a key of its own", () => {
    const twice = [
      { name: "Agent设计" },
      { name: "智能体设计" },
      { name: "?" },
      { stage: "stage_4" },
      { stage: "stage_4" },
    ];
    const project = read({ stages_snapshot: { stages: twice } });
    expect(keys(project)).toEqual(["agent_design", "stage_2", "stage_3", "stage_4", "stage_5"]);
  });

  it.each([
    ["in_progress", "pending", 1],
    ["running", "pending", 1],
    ["success", "completed", 1],
    ["error", "failed", 1],
    ["canceled", "cancelled", 1],
    ["toString", "pending", 0],
    [undefined, "pending", 0],
    [5, "pending", 0],
  ])("%s is read as %s", (given, status, attempt) => {
    const stage = stageFrom({ stage: "s", status: given });
    expect(stage).toMatchObject({ status, attempt });
    if (stage.status === "failed") expect(stage.error_message).toBe("no error was recorded");
  });

  it("reads artifacts wherever they were, and their details without what makes no sense", () => {
    expect(stageFrom({ artifacts: ["a", { path: "b" }, { file_path: "c" }, 5, "a"] }).output_data).toEqual({
      artifacts: ["a", "b", "c"],
      artifact_info: {},
    });
    const output_data = {
      artifacts: ["a"],
      artifact_count: "many",
      artifact_info: { a: { size: "12", sha256: "00", created_at: "yesterday", own: 1 }, b: 7 },
      own: true,
    };
    expect(stageFrom({ output_data }).output_data).toEqual({
      artifacts: ["a"],
      artifact_info: { a: { sha256: "00", own: 1 } },
      own: true,
    });
  });

  it("reads sub-stages, metrics and times of the wrong types", () => {
    const stage = stageFrom({
      stage: "agent_developer_manager",
      status: "completed",
      started_at: "2025-09-15T17:20:24.853000Z",
      completed_at: "2025-09-15T17:20:26Z",
      metrics: { input_tokens: "12", output_tokens: null, own: "x" },
      sub_stages: {
        tool_developer: { status: "completed", artifacts: ["t"], progress: "all" },
        "Not A Key": { status: "completed" },
        prompt_engineer: "later",
        agent_developer: { status: "running", completed_at: 5 },
      },
    });
    expect(stage).toMatchObject({
      duration_seconds: 1.147,
      metrics: { input_tokens: 12, own: "x" },
      sub_stages: {
        tool_developer: { number: 1, status: "completed", artifacts: ["t"] },
        agent_developer: { number: 2, status: "pending", artifacts: [] },
      },
    });
    expect(stage.metrics).not.toHaveProperty("output_tokens");
    expect(Object.keys(stage.sub_stages)).toHaveLength(2);
  });
});

describe("an older form of a project", () => {
  it.each([
    ["building", "pending"],
    ["queued", "pending"],
    ["whatever", "pending"],
    [undefined, "pending"],
    ["paused", "paused"],
    ["cancelled", "cancelled"],
    ["failed", "failed"],
  ])("that is %s is %s", (given, status) => {
    const project = read({ status: given, stages_snapshot: snapshot });
    expect(project.status).toBe(status);
    expect(project.error_info?.code).toBe(status === "failed" ? "STAGE_FAILED" : undefined);
    expect(project.work_queue).toBeUndefined();
  });

  it("never lowers the fence, the run or the revision of one that was of today's form before", () => {
    const was = { schema_version: 1, lease_token: 9_999_999_999, lease_seq: 40, revision: 17, run: 3 };
    const project = read({ ...was, status: "building", stages_snapshot: JSON.stringify(snapshot) });
    expect(project).toMatchObject({ lease_token: 9_999_999_999, lease_seq: 40, revision: 17, run: 3 });
  });

  /** How an older item has a map of each kind, and the fields that the current version knows of it. */
  const MAPS: readonly [what: string, shape: object, has: (map: object) => object][] = [
    ["item", projectSchema.options[0].shape, (map) => ({ ...map, stages_snapshot: snapshot })],
    ["error", errorInfoSchema.shape, (map) => ({ status: "failed", error_info: map })],
    ...(
      [
        ["stage", stageSchema.options[0].shape, (map) => map],
        ["metrics", metricsSchema.shape, (metrics) => ({ metrics })],
        ["sub-stage", subStageSchema.shape, (part) => ({ sub_stages: { part } })],
        [
          "artifact",
          artifactInfoSchema.shape,
          (a) => ({ output_data: { artifacts: ["a"], artifact_info: { a } } }),
        ],
      ] satisfies [string, object, (map: object) => object][]
    ).map(([what, shape, has]): [string, object, (map: object) => object] => [
      what,
      shape,
      (map) => ({ stages_snapshot: { stages: [{ ...stages[0], ...has(map) }] } }),
    ]),
  ];

  it.each(MAPS)("with an odd value in any field of its %s is read", (_what, shape, has) => {
    // An item without an id is no item, and a later version is left alone.
    const fields = Object.keys(shape).filter((name) => name !== "project_id" && name !== "schema_version");
    for (const field of fields)
      for (const odd of [null, -1, 0.5, "", "odd", true, [null], { odd: null }])
        expect(() => read({ ...has({ [field]: odd }) }), `${field}: ${JSON.stringify(odd)}`).not.toThrow();
  });

  it("has the cost of its stages also where it was written as text", () => {
    const metrics = { cost_usd: "0.06", model_calls: "2", model: null, own: "kept" };
    const project = read({ created_by: null, stages_snapshot: { stages: [{ ...stages[0], metrics }] } });
    expect(project.stages_snapshot.stages[0]?.metrics).toEqual({
      cost_usd: 0.06,
      model_calls: 2,
      own: "kept",
    });
    expect(project.build_summary?.cost_usd).toBe(0.06);
  });

  it("takes nothing for older that is newer", () => {
    const newer = { ...aProject(), schema_version: 2 };
    expect(isCurrentVersion(newer)).toBe(false);
    expect(() => normalise(newer)).toThrow(expect.objectContaining({ code: "SNAPSHOT_UNREADABLE" }));
  });
});

describe("today's form", () => {
  it("is read as it is", () => {
    const project = aProject();
    expect(normalise(project)).toEqual(project);
  });

  it("shows what still ran as cancelled, until a retry's first write opens it again", () => {
    const project = aProject();
    const [plan, ...rest] = project.stages_snapshot.stages;
    const running = { ...plan, status: "running", started_at: project.created_at, attempt: 1 };
    const item = {
      ...project,
      stages_snapshot: { ...project.stages_snapshot, stages: [running, ...rest] },
    };
    const statusIn = (fields: object) => normalise({ ...item, ...fields }).stages_snapshot.stages[0]?.status;
    expect(statusIn({ status: "cancelled" })).toBe("cancelled");
    expect(statusIn({ status: "queued", restart_from: "plan" })).toBe("cancelled");
    expect(statusIn({ status: "queued" })).toBe("running");
  });
});
