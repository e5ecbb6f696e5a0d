import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentSchema, MemoryRecordStore } from "@stagefold/core";
import { parseEnv } from "@stagefold/runtime";
import { NO_TELEMETRY } from "@stagefold/runtime/telemetry";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { openAgentRunner } from "./open-runner.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "open-runner-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function opened(settings: Record<string, string>) {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const env = parseEnv({ STAGEFOLD_DATA_DIR: folder, ANTHROPIC_API_KEY: "key", ...settings });
  const backend = { ...memoryDeps(), records: new MemoryRecordStore() };
  const agents = await openAgentRunner(env, backend, { inherited: {}, given: {} }, NO_TELEMETRY, log);
  return { ...agents, said: lines.join("") };
}

const version = {
  ...{ version: 1, project_id: "proj_0123456789ab", run: 1, stage: "s", attempt: 1, kind: "model" as const },
  ...{ at: "2025-06-01T10:00:00.000Z", entry: "a.mjs", tools: [], unmet: [], secrets: [] },
};

const agentWith = (model: string) =>
  agentSchema.parse({
    ...{
      agent_id: "agent_0123456789ab",
      agent_name: "a",
      title: "A",
      status: "ready",
      version: 1,
      revision: 1,
    },
    ...{ created_at: version.at, updated_at: version.at, versions: [version], settings: { model } },
  });

it("says at the start, in system.info and at the question that a budget cannot be kept without a price", async () => {
  const { said, system, requireRunnable } = await opened({
    STAGEFOLD_MODEL: "anthropic:of-our-own",
    STAGEFOLD_BUDGET_USD: "5",
  });
  expect(said).toContain("the price of anthropic:of-our-own is not known");
  expect(system).toEqual({ model: { name: "anthropic:of-our-own", priced: false }, budget_usd: 5 });
  expect(() => requireRunnable(agentWith("default"), version)).toThrow(
    expect.objectContaining({
      code: "MODEL_NOT_CONFIGURED",
      message: expect.stringContaining("Set STAGEFOLD_MODEL_PRICES"),
    }),
  );
  // The agent's own model has one.
  expect(requireRunnable(agentWith("anthropic:claude-sonnet-4-5"), version)).toBeUndefined();
});

it("asks for no price where there is no budget", async () => {
  const { said, system, requireRunnable } = await opened({ STAGEFOLD_MODEL: "anthropic:of-our-own" });
  expect(said).toBe("");
  expect(system.budget_usd).toBeNull();
  expect(requireRunnable(agentWith("default"), version)).toBeUndefined();
});
