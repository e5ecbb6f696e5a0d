import { DEFAULT_PRICES, openModel } from "@stagefold/models";
import { realSettings } from "@stagefold/models/testing";
import { describe, expect, test } from "vitest";
import { anAgent, aRunner } from "./fixture.ts";

const REAL = realSettings();

const TOOLS = `
  import { createInterface } from "node:readline";
  const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
  say({ type: "ready", protocol: 1, tools: [] });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, input } = JSON.parse(line);
    say({ type: "result", id, output: "The code of " + input.city + " is QX-4471.", failed: false });
  }`;
const PROMPT = "system_prompt: Answer with what the tool code_of says.\n";
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

// Skipped without a key: it spends money.
describe.skipIf(REAL === undefined)("a real language model (skipped without STAGEFOLD_TEST_MODEL)", () => {
  test("calls the agent's tool, answers with what it said, and says what it used", async () => {
    if (!REAL) throw new Error("expected a model");
    const model = openModel(REAL, { prices: DEFAULT_PRICES, maxRetries: 2 });
    await using at = await aRunner({ model: () => model });
    const agent = await anAgent(
      at.artifacts,
      { "agents/m/m.mjs": TOOLS, "prompts/m.yaml": PROMPT },
      {
        entry: "agents/m/m.mjs",
        prompt: "prompts/m.yaml",
        kind: "model",
        tools: [{ name: "code_of", description: "The secret code of a city.", input_schema: CITY }],
      },
    );
    const { outcome, blocks, text } = await at.ask(agent, { text: "What is the code of Lyon?", files: [] });
    expect(outcome).toMatchObject({ status: "completed", error: null });
    expect(blocks).toContainEqual(
      expect.objectContaining({ type: "tool", name: "code_of", status: "completed" }),
    );
    expect(text).toContain("QX-4471");
    expect(outcome.usage.input_tokens).toBeGreaterThan(0);
    expect(outcome.usage.output_tokens).toBeGreaterThan(0);
  });
});
