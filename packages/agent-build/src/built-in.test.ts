import { stageNameIn } from "@stagefold/pipeline";
import { expect, test } from "vitest";
import { agentBuild, builtInPipelines } from "./index.ts";

test("agent-build is built in, with the keys and names that other programs know", () => {
  expect(builtInPipelines().get("agent-build")).toBe(agentBuild);
  expect(
    agentBuild.stages.map(({ stage, stage_name }) => [
      stage,
      stageNameIn(stage_name, "zh"),
      stageNameIn(stage_name, "en"),
    ]),
  ).toEqual([
    ["requirements_analysis", "需求分析", "Requirements analysis"],
    ["system_architecture", "系统架构设计", "System architecture"],
    ["agent_design", "Agent设计", "Agent design"],
    ["design_review", "设计评审", "Design review"],
    ["design_revision", "设计修订", "Design revision"],
    ["prompt_engineer", "提示词工程", "Prompt engineering"],
    ["tools_developer", "工具开发", "Tool development"],
    ["agent_code_developer", "代码开发", "Agent code"],
  ]);
});
