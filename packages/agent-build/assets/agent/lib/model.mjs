/** The language model of an agent that runs alone, as its environment names it. */

import { readFile } from "node:fs/promises";
import { DEFAULT_PRICES, openModel, parseModelName } from "@stagefold/models";
import { parse } from "yaml";

const MAX_STEPS = 20;

/** @typedef {Record<string, string | undefined>} Environment */

/** @param {Environment} env */
function settingsOf(env) {
  const named = parseModelName(env.STAGEFOLD_MODEL ?? "");
  if (named === undefined)
    throw new Error(
      "STAGEFOLD_MODEL: expected anthropic:<model>, bedrock:<model> or openai-compatible:<model>",
    );
  const keys = {
    anthropic: env.ANTHROPIC_API_KEY,
    bedrock: env.AWS_BEARER_TOKEN_BEDROCK,
    "openai-compatible": env.OPENAI_API_KEY,
  };
  const aws = {
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1",
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  };
  return {
    ...named,
    url: env.STAGEFOLD_MODEL_URL,
    apiKey: keys[named.provider],
    ...(named.provider === "bedrock" && { aws }),
  };
}

/**
 * Answers one message: the model calls the tools until it has the answer. Throws an Error in words for people.
 * @param {{ prompt: URL, text: string, tools: { name: string, description: string, input_schema: Record<string, unknown> }[], runTool: (name: string, input: unknown) => Promise<string>, env: Environment }} order
 */
export async function answerWithModel({ prompt, text, tools, runTool, env }) {
  const { system_prompt } = parse(await readFile(prompt, "utf8"));
  let answer = "";
  const { model, steps, tool_calls, usage } = await openModel(settingsOf(env), {
    prices: DEFAULT_PRICES,
  }).converse({
    system: String(system_prompt),
    messages: [{ role: "user", text }],
    tools,
    maxSteps: MAX_STEPS,
    onText: (part) => {
      answer += part;
    },
    // What the model says before it calls a tool is no answer yet.
    runTool: async ({ name, input }) => {
      answer = "";
      try {
        return { output: await runTool(name, input) };
      } catch (error) {
        return { output: error instanceof Error ? error.message : String(error), failed: true };
      }
    },
  });
  return { text: answer, data: { model, steps, tool_calls, ...usage } };
}
