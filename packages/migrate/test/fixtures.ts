import type { Item } from "@stagefold/core";
import { formatLine, type Source } from "../src/index.ts";
import { type LegacyTable, legacyExport } from "../src/testing/index.ts";

const SIZE = { projects: 5, artifacts: 6 };

/** Ids of the odd projects, beside the five that have one form each. */
export const ODD = {
  damaged: "proj_00000000d001",
  empty: "proj_00000000d002",
  missing: "proj_00000000d003",
  twice: "proj_00000000d004",
  bare: "proj_00000000d005",
  large: "proj_00000000d006",
  failed: "proj_00000000d007",
  nowhere: "proj_gone00000000",
} as const;

const base = {
  project_name: "odd",
  requirement: "r",
  user_id: "u",
  status: "completed",
  created_at: "2025-01-01T00:00:00Z",
};

/** What nobody can read: JSON text that was cut off. */
export const DAMAGED: Item = {
  ...base,
  project_id: ODD.damaged,
  stages_snapshot: '{"total":7,"stages":[{"stage":"prompt_engineer","sta',
  own_numbers: new Set([1, 2]),
  own_bytes: new Uint8Array([0, 255, 7]),
};

const log = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i} of the log`);

const ODD_PROJECTS: readonly Item[] = [
  DAMAGED,
  { ...base, project_id: ODD.empty, stages_snapshot: {}, own: { kept: [1, "二"] } },
  { ...base, project_id: ODD.missing },
  {
    ...base,
    project_id: ODD.twice,
    stages_snapshot: JSON.stringify(
      JSON.stringify({ stages: [{ stage: "prompt_engineer", status: "completed", own: true }] }),
    ),
  },
  // Without a user, a name, a time, a state.
  {
    project_id: ODD.bare,
    requirement: "bare",
    stages_snapshot: [{ name: "需求分析", status: "in_progress" }],
  },
  {
    ...base,
    project_id: ODD.large,
    status: "building",
    stages_snapshot: {
      stages: [
        {
          stage: "prompt_engineer",
          status: "completed",
          logs: log(40),
          output_data: { artifacts: ["a/0.txt"], text: "x".repeat(20_000) },
        },
        { stage: "tools_developer", status: "pending" },
      ],
    },
  },
  {
    ...base,
    project_id: ODD.failed,
    status: "failed",
    error_info: { error: "it broke" },
    stages_snapshot: { stages: [{ stage: "agent_design", status: "failed", logs: log(30) }] },
  },
];

const artifact = (
  project_id: string,
  stage: string,
  file_path: string | undefined,
  more: Item = {},
): Item => ({
  artifact_id: `${project_id}:${stage}:${file_path ?? "none"}:${Object.keys(more).join()}`,
  agent_id: "agent_00000000d000",
  project_id,
  stage,
  ...(file_path !== undefined && { file_path }),
  created_at: "2025-01-02T00:00:00.123000Z",
  metadata: { language: "python" },
  ...more,
});

const ODD_ARTIFACTS: readonly Item[] = [
  // A stage that rows of stages make, under an older key and as a display name.
  artifact(ODD.empty, "requirements_analyzer", "docs/r.md"),
  artifact(ODD.empty, "需求分析", "docs/s.md"),
  ...Array.from({ length: 80 }, (_, i) => artifact(ODD.large, "prompt_engineer", `a/${i}.txt`)),
  artifact(ODD.large, "tool_developer", "t.py"),
  artifact(ODD.twice, "prompt_engineering", "p.yaml", { metadata: '{"as":"text"}' }),
  // Not merged:
  artifact(ODD.twice, "prompt_engineer", "p.yaml", { artifact_id: "again" }),
  artifact(ODD.twice, "deployment", "d.json"),
  artifact(ODD.twice, "prompt_engineer", undefined),
  artifact(ODD.nowhere, "prompt_engineer", "orphan.yaml"),
  artifact(ODD.damaged, "prompt_engineer", "of-damaged.yaml"),
];

const ODD_STAGES: readonly Item[] = [
  {
    project_id: ODD.empty,
    stage_number: 2,
    stage: "system_architecture",
    stage_name_cn: "系统架构设计",
    status: "pending",
  },
  {
    project_id: ODD.empty,
    stage_number: 1,
    stage: "requirements_analysis",
    stage_name: "requirements_analysis",
    stage_name_cn: "需求分析",
    status: "completed",
    started_at: "2025-01-01T00:00:00Z",
    completed_at: "2025-01-01T00:00:10Z",
    duration_seconds: 9.5,
    output_data: { artifacts: ["docs/q.md"], words: 12 },
    logs: log(12),
    own: "kept",
  },
  // What the snapshot has as pending, the row knows.
  {
    project_id: ODD.large,
    stage_number: 2,
    stage: "tool_developer",
    status: "completed",
    started_at: "2025-01-01T00:00:00Z",
    completed_at: "2025-01-01T00:01:00Z",
    logs: ["short"],
  },
  // More of the same log, and an output that is large already.
  {
    project_id: ODD.large,
    stage_number: 1,
    stage: "prompt_engineer",
    status: "completed",
    logs: log(55),
    output_data: { words: 3 },
  },
];

export const NO_ROWS = ["{not json", "[1]", '{"Item":{"date":{"S":"2025-01-01"},"builds":{"N":"3"}}}'];

/** The rows of fixtures that cannot be merged at once, by their reason. */
export const NOT_MERGED = {
  "already there": 1,
  "no such project": 1,
  "no such stage": 1,
  "no such agent": 0,
  "no such session": 0,
  "too late": 0,
  "no path": 1,
  // Three lines that are no rows, the damaged project, and its artifact.
  unreadable: NO_ROWS.length + 2,
};

const ODD_ROWS: Readonly<Record<LegacyTable, readonly Item[]>> = {
  AgentProjects: ODD_PROJECTS,
  AgentArtifacts: ODD_ARTIFACTS,
  BuildStages: ODD_STAGES,
};

/** An export of each table with everything that was found in real ones, and more. */
export function linesOf(table: LegacyTable): string[] {
  const odd = ODD_ROWS[table].map(formatLine);
  return [...legacyExport(table, SIZE), ...odd, ...(table === "AgentArtifacts" ? NO_ROWS : [])];
}

export const TABLES = ["AgentProjects", "AgentArtifacts", "BuildStages"] as const;

/** All ids that the fixtures make projects of. */
export function projectIds(): string[] {
  const { nowhere: _n, ...odd } = ODD;
  const usual = Array.from({ length: SIZE.projects }, (_, n) => `proj_${n.toString(16).padStart(12, "0")}`);
  return [...usual, ...Object.values(odd)];
}

export function sourceOf(name: string, lines: readonly string[]): Source {
  return {
    name,
    async *lines() {
      for (const [i, text] of lines.entries()) yield await Promise.resolve({ line: i + 1, text });
    },
  };
}

export const sources = (tables: readonly LegacyTable[] = TABLES): Source[] =>
  tables.map((table) => sourceOf(table, linesOf(table)));

/** Every order of three. */
export const ORDERS: readonly (readonly LegacyTable[])[] = TABLES.flatMap((first) =>
  TABLES.filter((second) => second !== first).map((second) => [
    first,
    second,
    ...TABLES.filter((third) => third !== first && third !== second),
  ]),
);
