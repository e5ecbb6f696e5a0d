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
