import { AgentRecords, MemoryRecordStore, type Project } from "@stagefold/core";
import { stagesFor } from "@stagefold/pipeline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, openBench, stageOf } from "./harness.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: {} });
});
afterAll(() => bench[Symbol.asyncDispose]());

async function built(projectId: string): Promise<Project> {
  return await bench.until(projectId, ({ status }) => status === "completed" || status === "failed", 200);
}

test("a build for an agent that exists is given its version, and makes another one under the same name", async () => {
  const { agents } = new AgentRecords({ records: new MemoryRecordStore(), artifacts: bench.artifacts });
  bench.worker({ agents }).start();
  const first = await built(await bench.create("agent-build", "A calculator for sums"));
  const { entry, self_tests } = stageOf(first, "agent_code_developer").output_data;
  const agent_id = first.agent_id ?? "agent_0123456789ab";
  await agents.publish(
    agent_id,
    { agent_name: "first" },
    {
      version: 1,
      project_id: first.project_id,
      run: 1,
      stage: "agent_code_developer",
      attempt: 1,
      at: "2026-01-01T00:00:00.000Z",
      kind: "rules",
      entry: String(entry),
      tools: [],
      unmet: [],
      secrets: [],
    },
  );
  const pipeline = bench.pipelines.get("agent-build");
  if (pipeline === undefined) throw new Error("expected the built-in pipeline");
  const stages = stagesFor(pipeline, {}).map(({ stage, weight }) => ({ stage, weight }));
  const plan = { pipeline: pipeline.name, pipeline_version: pipeline.version, stages };
  const order = { requirement: "Sums, calculated, and the weekday of a date", agent_id };
  const { project_id } = await bench.repository.control.create(order, plan);
  const second = await built(project_id);
  const output = stageOf(second, "agent_code_developer").output_data;
  expect(second.status).toBe("completed");
  expect(output.entry).toBe(entry);
  expect(output.tools).toMatchObject([{ name: "calculator" }, { name: "date_time" }]);
  expect(Object(output.self_tests).total).toBeGreaterThan(Object(self_tests).total);
  expect(stageOf(second, "requirements_analysis").output_data).toMatchObject({
    agent_name: stageOf(first, "requirements_analysis").output_data.agent_name,
  });
});
