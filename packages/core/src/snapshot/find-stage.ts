import { StagefoldError } from "../errors.ts";
import type { Project, Stage } from "./schema.ts";

/** Keys that one stage had at different times: calls and imports may use any of a row, stored keys stay. */
const SAME_STAGE: readonly (readonly string[])[] = [
  ["requirements_analysis", "requirements_analyzer"],
  ["system_architecture", "system_architect"],
  ["agent_design", "agent_designer"],
  ["prompt_engineer", "prompt_engineering"],
  ["tools_developer", "tool_developer"],
  ["agent_code_developer", "agent_developer", "code_developer"],
  ["agent_developer_manager", "agent_development_manager"],
];

const rows = new Map(SAME_STAGE.flatMap((row) => row.map((key) => [key, row] as const)));

/** Every key that names the same stage, `key` itself first. */
export function aliasesOf(key: string): readonly string[] {
  return [key, ...(rows.get(key) ?? []).filter((other) => other !== key)];
}

/** Where a stage stands, by its key or an old name of it. */
export function findStage(project: Project, key: string): { stage: Stage; position: number } {
  const { stages } = project.stages_snapshot;
  for (const name of aliasesOf(key)) {
    const position = stages.findIndex((stage) => stage.stage === name);
    const stage = stages[position];
    if (stage) return { stage, position };
  }
  throw new StagefoldError(
    "STAGE_NOT_FOUND",
    `Project ${project.project_id} has no stage ${key}; its stages are ${stages.map((s) => s.stage).join(", ") || "none"}.`,
    { project_id: project.project_id, stage: key },
  );
}

/** The part of a stage that has this key or an old one; undefined when a whole stage has it, or nothing. */
export function findPart(
  project: Project,
  key: string,
): { readonly stage: Stage; readonly part: string } | undefined {
  const { stages } = project.stages_snapshot;
  const names = aliasesOf(key);
  if (stages.some(({ stage }) => names.includes(stage))) return undefined;
  for (const part of names) {
    const stage = stages.find(({ sub_stages }) => Object.hasOwn(sub_stages, part));
    if (stage) return { stage, part };
  }
  return undefined;
}
