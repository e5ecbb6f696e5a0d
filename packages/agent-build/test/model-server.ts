import { LLMock } from "@copilotkit/aimock";
import {
  DEFAULT_PRICES,
  ModelError,
  type ModelProvider,
  type ModelSettings,
  openModel,
} from "@stagefold/models";
import { settingsAt } from "@stagefold/models/testing";
import type { StageModel } from "@stagefold/pipeline";
import { z } from "zod";
import { ANSWERS, type MadeTool, type ModelAnswers } from "./model-answers.ts";

const usage = { prompt_tokens: 3000, completion_tokens: 500, input_tokens: 3000, output_tokens: 500 };

/** As the worker asks, without its limits and records. */
export function stageModelAt(provider: ModelProvider, url: string): StageModel {
  return stageModel(settingsAt(provider, url), 0);
}

export function stageModel(settings: ModelSettings, maxRetries: number): StageModel {
  const model = openModel(settings, { prices: DEFAULT_PRICES, maxRetries });
  return {
    name: model.name,
    ask: async ({ system, messages, schema, max_output_tokens }) => {
      try {
        const { text } = await model.object({
          system,
          messages: messages.map(({ role, text }) => ({ role, text })),
          schema: z.unknown().meta(schema),
          maxOutputTokens: max_output_tokens,
        });
        return { text, value: JSON.parse(text) };
      } catch (error) {
        if (error instanceof ModelError && error.code === "OUTPUT_INVALID") return { text: error.text ?? "" };
        throw error;
      }
    },
  };
}

function analysisOf({ agent_name, language, ready, made, unmet }: ModelAnswers) {
  const both = (name: string, text: string) => ({ [`${name}_en`]: text, [`${name}_zh`]: `${text}（中文）` });
  return {
    agent_name,
    purpose: `What ${agent_name} is for.`,
    language,
    catalogue_tools: ready.map((key) => ({ key, asked_for: "" })),
    new_tools: made.map(({ key }) => ({
      key,
      ...both("name", key),
      ...both("summary", `does ${key}`),
      asked_for: "words",
    })),
    unmet: unmet.map((capability) => ({
      capability,
      ...both("name", capability),
      asked_for: "words",
      ...both("reason", "no tool can do it"),
      keywords: [capability],
    })),
  };
}

function designOf({ key, parameters, libraries = [], secrets = [], tests }: MadeTool) {
  return {
    key,
    description: `does ${key}`,
    parameters,
    output: "a text",
    errors: ["a wrong input"],
    libraries,
    network: false,
    secrets,
    tests: tests.map((test) => ({
      input_json: "{}",
      files: [],
      secrets: [],
      succeeds: true,
      text_is: null,
      text_includes: null,
      leaves: [],
      ...test,
    })),
  };
}

/** A server that answers the questions of the author for the recorded requirements, as a language model might. */
export async function modelServer() {
  const mock = new LLMock({ port: 0, logLevel: "silent" });
  await mock.start();
  const asked = new Map<string, number>();
  const next = (name: string): number => {
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    return count;
  };
  /** Answers that come first, before the right one, by the kind of question. */
  const first = new Map<string, unknown>();

  function answerTo(question: string): unknown {
    const answers = ANSWERS.find(({ requirement }) => question.includes(`<requirement>\n${requirement}\n`));
    if (question.includes("Say what this asks for") && answers) return analysisOf(answers);
    if (question.includes("Describe in a few sentences") && answers)
      return {
        overview: "Messages go to tools.",
        data_flow: ["message -> tool -> answer"],
        constraints: ["none"],
      };
    if (question.includes("Design these new tools") && answers) return { tools: answers.made.map(designOf) };
    if (question.includes("Write its system prompt") && answers) {
      const [tool] = [...answers.made.map(({ key }) => key), ...answers.ready];
      return { system_prompt: `You are ${answers.agent_name}. Use \`${tool}\`.`, examples: ["Hello"] };
    }
    const source = /"key": "([a-z_]+)"/.exec(question)?.[1];
    const made = ANSWERS.flatMap((one) => one.made);
    const tool = question.includes("Write its module")
      ? made.find(({ key }) => key === source)
      : made.find(({ sources }) => sources.some((text) => question.includes(text.trim())));
    if (tool) return { source: tool.sources[Math.min(next(tool.key), tool.sources.length - 1)] };
    throw new Error(`no answer to ${question.slice(0, 300)}`);
  }

  /** How it talks as the model of a finished agent: it calls a tool, then says what that said. */
  function talk(question: string, name: string, args: object): void {
    mock.prependFixture({
      match: { userMessage: question, hasToolResult: false },
      response: { content: "Let me see.", toolCalls: [{ name, arguments: JSON.stringify(args) }], usage },
    });
    mock.prependFixture({
      match: { userMessage: question, hasToolResult: true },
      response: (request) => ({
        content: `The tool says ${String(request.messages.at(-1)?.content)}`,
        usage,
      }),
    });
  }

  mock.on({ predicate: () => true }, (request) => {
    const texts = request.messages.map(({ content }) =>
      typeof content === "string" ? content : JSON.stringify(content),
    );
    const question = texts.at(-1) ?? "";
    const kind = ["Say what", "Describe", "Design these", "Write its system", "Write its module"].find(
      (words) => question.includes(words),
    );
    const broken = kind === undefined ? undefined : first.get(kind);
    if (kind !== undefined) first.delete(kind);
    const isAgain = question.startsWith("That answer does not fit");
    const content = broken ?? answerTo(isAgain ? (texts.at(-3) ?? "") : question);
    return { content: typeof content === "string" ? content : JSON.stringify(content), usage };
  });
  return {
    url: mock.url,
    mock,
    first,
    talk,
    reset: () => {
      asked.clear();
      first.clear();
      mock.clearRequests();
    },
    [Symbol.asyncDispose]: async () => await mock.stop(),
  };
}
