import { expect } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import type { System } from "./harness.ts";

export const REQUIREMENT = "读取 CSV 表格，计算每列的平均值";
export const CSV = "name,height,weight\nann,170,60\nbob,180,80\ncy,190,70\n";

/** The agent that a build of the requirement made: a completed build has one. */
export async function builtAgent({ client }: System): Promise<string> {
  const listed = await until("the build", async () => (await client.projects.list({})).items[0]);
  const project = await client.projects.waitForEnd({ project_id: listed.project_id });
  expect(project.status, JSON.stringify(project.error_info)).toBe("completed");
  const agent = await client.agents.get({ agent_id: project.agent_id ?? "" });
  expect(agent).toMatchObject({
    status: "ready",
    version: 1,
    versions: [{ project_id: project.project_id, run: 1 }],
  });
  return agent.agent_id;
}
