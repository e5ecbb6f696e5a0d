import { DailySpending, MemoryRecordStore, type Project, readModelCalls, systemClock } from "@stagefold/core";
import { DEFAULT_PRICES, openModel } from "@stagefold/models";
import { settingsAt } from "@stagefold/models/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ANSWERS } from "../../../packages/agent-build/test/model-answers.ts";
import { modelServer } from "../../../packages/agent-build/test/model-server.ts";
import { type Bench, openBench, stageOf } from "./harness.ts";

let bench: Bench;
let server: Awaited<ReturnType<typeof modelServer>>;
beforeAll(async () => {
  bench = await openBench({ files: {} });
  server = await modelServer();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const ended = (id: string, run: number): Promise<Project> =>
  bench.until(id, (project) => project.run === run && ["completed", "failed"].includes(project.status), 120);

async function setLimits(project_id: string, value: object): Promise<void> {
  const edits = [{ op: "set", path: ["limits"], value }] as const;
  await bench.store.write({ transition: "queue", project_id, kind: "update", guards: [], edits });
}

test("agent-build by a language model: a limit stops it to the call, a retry pays for nothing twice", async () => {
  const model = openModel(settingsAt("anthropic", server.url), { prices: DEFAULT_PRICES, maxRetries: 0 });
  const spending = new DailySpending(new MemoryRecordStore(), systemClock);
  const coach = ANSWERS.find((one) => one.agent_name === "fitness_coach");
  const id = await bench.create("agent-build", coach?.requirement);
  // Each call costs $0.0165; the fifth is that of the tool, which two repairs put right.
  await setLimits(id, { cost_usd: 0.09 });
  bench.worker({ modelAccess: { model, spending, secrets: [] } }).start();
  const stopped = await ended(id, 1);
  expect(stopped).toMatchObject({
    status: "failed",
    error_info: { code: "BUDGET_EXCEEDED", stage: "tools_developer" },
  });
  expect(server.mock.getRequests()).toHaveLength(6);
  expect(stageOf(stopped, "tools_developer").metrics).toMatchObject({
    cost_usd: 0.033,
    model_calls: 2,
    model: model.name,
  });
  expect(await spending.today()).toBe(0.099);

  await setLimits(id, { cost_usd: 1 });
  await bench.repository.control.retry(id, {});
  const done = await ended(id, 2);
  expect(done.status).toBe("completed");
  expect(server.mock.getRequests()).toHaveLength(7);
  const calls = await readModelCalls(
    { project_id: id, stage: "tools_developer", attempt: 2 },
    bench.artifacts,
  );
  expect(calls.map(({ purpose, reused }) => [purpose, reused])).toEqual([
    ["tool body_mass_index", true],
    ["tool body_mass_index, repair 1", true],
    ["tool body_mass_index, repair 2", false],
  ]);
  expect(done.status === "completed" && done.build_summary?.cost_usd).toBe(0.1155);
  expect(await spending.today()).toBe(0.1155);
  expect(stageOf(done, "agent_code_developer").output_data).toMatchObject({
    kind: "model",
    tools: [{ name: "date_time" }, { name: "body_mass_index", input_schema: { type: "object" } }],
    self_tests: { passed: expect.any(Number) },
  });
});
