import type { Item } from "@stagefold/core";
import { formatLine } from "../rows/dynamo-json.ts";
import { FORMS } from "./legacy-forms.ts";

export interface ExportSize {
  readonly projects: number;
  /** Of each project. */
  readonly artifacts: number;
}

export type LegacyTable = "AgentProjects" | "AgentArtifacts" | "BuildStages";

/** The stages of an old build, by the keys that its tables of rows use. */
const STAGES = [
  "requirements_analysis",
  "system_architecture",
  "agent_design",
  "prompt_engineer",
  "tools_developer",
  "agent_code_developer",
  "agent_developer_manager",
] as const;

/**
 * Lines of an export of older tables, in the five forms that projects have had, the same at every call. Every fifth
 * project has rows of stages; its snapshot lacks what these say.
 */
export function* legacyExport(table: LegacyTable, size: ExportSize): Generator<string> {
  for (let n = 0; n < size.projects; n++) {
    if (table === "AgentProjects") yield formatLine(projectItem(n));
    if (table === "AgentArtifacts")
      for (let i = 0; i < size.artifacts; i++) yield formatLine(artifactRow(n, i));
    if (table === "BuildStages" && n % FORMS.length === 0)
      for (const [i, stage] of STAGES.entries()) yield formatLine(stageRow(n, i, stage));
  }
}

const projectId = (n: number) => `proj_${n.toString(16).padStart(12, "0")}`;
const agentId = (n: number) => `agent_${n.toString(16).padStart(12, "0")}`;
const timeOf = (n: number, minutes: number) =>
  new Date(Date.UTC(2025, 0, 1) + n * 600_000 + minutes * 60_000).toISOString();

function projectItem(n: number): Item {
  const form = FORMS[n % FORMS.length] ?? FORMS[0];
  const stages = STAGES.map((stage, i) => ({ stage, at: timeOf(n, i), to: timeOf(n, i + 1) }));
  return {
    project_id: projectId(n),
    project_name: `agent_${n}`,
    requirement: `一个智能体，编号 ${n}，能够根据用户需求生成内容`,
    user_id: `user_${n % 50}`,
    status: n % 11 === 0 ? "building" : "completed",
    progress_percentage: 42.86,
    created_at: timeOf(n, 0),
    updated_at: timeOf(n, 9),
    tags: ["demo"],
    agents: [agentId(n)],
    artifacts_base_path: `projects/agent_${n}`,
    stages_snapshot: form(stages),
  };
}

function artifactRow(n: number, i: number): Item {
  const stage = STAGES[3 + (i % 3)] ?? STAGES[3];
  return {
    artifact_id: `${projectId(n)}:${stage}:${i}`,
    agent_id: agentId(n),
    project_id: projectId(n),
    stage,
    file_path: `projects/agent_${n}/${stage}/generated/file_${i}.py`,
    doc_path: `projects/agent_${n}/agents/${stage}.json`,
    created_at: timeOf(n, i),
    metadata: {},
  };
}

function stageRow(n: number, i: number, stage: string): Item {
  return {
    project_id: projectId(n),
    stage_number: i + 1,
    stage,
    stage_name: stage,
    status: "completed",
    started_at: timeOf(n, i),
    completed_at: timeOf(n, i + 1),
    duration_seconds: 7 + i,
    agent_name: stage,
    output_data: null,
    error_message: null,
    logs: [`[${timeOf(n, i)}] ${stage} began`, `[${timeOf(n, i + 1)}] ${stage} ended`],
  };
}
