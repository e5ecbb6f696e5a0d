import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stageNameIn } from "@stagefold/pipeline";
import { expect, test } from "vitest";
import { agentBuild, builtInPipelines, followPipelines } from "./index.ts";

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

test("what is wrong with a file is told once, and again when it changes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-follow-"));
  const told: string[] = [];
  let changes = 0;
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  try {
    await write("bad.yaml", "name: bad\nstages: [{ stage: a, comand: x }]\n");
    await using pipelines = await followPipelines(folder, {
      onProblem: (problem) => told.push(String(problem)),
      onChange: () => {
        changes += 1;
      },
    });
    expect(told).toEqual([expect.stringContaining("did you mean command?")]);
    await write("good.yaml", "name: good\nstages: [{ stage: a, command: x }]\n");
    await expect.poll(() => pipelines.get("good")).toBeDefined();
    expect([told.length, changes]).toEqual([1, 2]);
    await write("bad.yaml", "name: bad\nstages: [{ stage: a, run: x }]\n");
    await expect.poll(() => changes).toBe(3);
    expect(told[1]).toContain("expected a function");
  } finally {
    await rm(folder, { recursive: true });
  }
});
