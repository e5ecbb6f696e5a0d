import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Turn } from "@stagefold/client";
import { expect, it } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { builtAgent } from "./built-agent.ts";
import { type EngineCall, startLlama } from "./engine/llama.ts";
import { SENTENCE, TOOL, weights } from "./engine/weights.ts";
import { start, tempFolder } from "./harness.ts";

/** A folder where node-llama-cpp is installed. */
const INSTALLED = process.env.STAGEFOLD_TEST_LLAMA;
/** USD for a million tokens. */
const PRICE = { input: 1, output: 10 };

const textOf = (turn: Turn) => turn.blocks.map((block) => (block.type === "text" ? block.text : "")).join("");

function figuresOf(calls: readonly EngineCall[]) {
  const sum = (of: (call: EngineCall) => number) => calls.reduce((all, call) => all + of(call), 0);
  const [input_tokens, output_tokens] = [sum((call) => call.input_tokens), sum((call) => call.output_tokens)];
  const cost = (input_tokens * PRICE.input + output_tokens * PRICE.output) / 1e6;
  return { input_tokens, output_tokens, cost_usd: expect.closeTo(cost, 8) };
}

// Skipped without STAGEFOLD_TEST_LLAMA: the engine is 85 MB, and no dependency. CONTRIBUTING.md says how to get it.
it.skipIf(INSTALLED === undefined)(
  "llama.cpp is the author of an agent, and talks as it, with its own weights (skipped without STAGEFOLD_TEST_LLAMA)",
  async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, "weights.gguf");
    await writeFile(file, weights());
    await using engine = await startLlama(INSTALLED ?? "", file);
    const prices = join(folder.path, "prices.json");
    await writeFile(prices, JSON.stringify({ date: "2026-01-01", models: { weights: PRICE } }));
    await using system = await start({
      dataDir: join(folder.path, "data"),
      args: ["Count the words of a text"],
      env: {
        STAGEFOLD_MODEL: "openai-compatible:weights",
        STAGEFOLD_MODEL_URL: engine.url,
        STAGEFOLD_MODEL_PRICES: prices,
      },
    });
    const { client } = system;
    const agent_id = await builtAgent(system);
    const agent = await client.agents.get({ agent_id });
    expect(agent.versions).toMatchObject([{ kind: "model", tools: [{ name: TOOL }] }]);
    // Requirements, architecture and prompt: each answer fitted its schema at once, as the grammar has it.
    expect(engine.calls).toHaveLength(3);
    const [project] = (await client.projects.list({})).items;
    expect(project?.build_summary).toMatchObject(figuresOf(engine.calls));

    const { session_id } = await client.sessions.create({ agent_id });
    const ended = async (turn: number) =>
      await until(`the end of turn ${turn}`, async () => {
        const found = await client.turns.get({ session_id, turn });
        return found.status === "running" ? undefined : found;
      });
    await client.turns.send({ session_id, text: `What does ${TOOL} say?` });
    const first = await ended(1);
    expect(first).toMatchObject({ status: "completed", steps: 2, ...figuresOf(engine.calls.slice(3)) });
    expect(first.blocks).toMatchObject([{ type: "tool", name: TOOL, status: "completed" }, { type: "text" }]);
    expect(textOf(first)).toBe(SENTENCE.join(""));

    // The engine still has what both turns begin with, and is billed for it all the same: this price has no cache.
    await client.turns.send({ session_id, text: "And now?" });
    const second = await ended(2);
    const call = engine.calls.at(-1);
    expect(second).toMatchObject({ status: "completed", cached_tokens: call?.cached_tokens });
    expect(second.cached_tokens).toBeGreaterThan(100);
    expect(call?.prompt).toContain(SENTENCE.join(""));

    await client.turns.send({ session_id, text: "Go on and on!" });
    await until(
      "some text",
      async () => textOf(await client.turns.get({ session_id, turn: 3 })) || undefined,
    );
    await client.turns.stop({ session_id, turn: 3 });
    const third = await ended(3);
    expect(third.status).toBe("cancelled");
    expect(textOf(third)).toMatch(/^(?: on and)+/);
    await until("the engine's stop", () => engine.calls.at(-1)?.stopped || undefined);
    const said = engine.calls.at(-1)?.text ?? "";
    expect(said.startsWith(textOf(third))).toBe(true);
  },
);
