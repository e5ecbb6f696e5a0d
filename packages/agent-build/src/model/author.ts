import type { StageModel } from "@stagefold/pipeline";
import type { AgentAuthor } from "../author.ts";
import type { DesignDocument, SelfTest, Texts } from "../documents.ts";
import { assetSource } from "../offline/assets.ts";
import { catalogue, catalogueEntry } from "../offline/catalogue.ts";
import { componentsOf, planAgent, planPrompt } from "../offline/plan.ts";
import { writeAgent } from "../offline/write-agent.ts";
import {
  analysisAnswer,
  architectureAnswer,
  type DesignedTool,
  designAnswerFor,
  type Parameter,
  promptAnswerFor,
  sourceAnswer,
} from "./answers.ts";
import { askFor } from "./ask.ts";
import {
  analysisQuestion,
  architectureQuestion,
  designQuestion,
  promptQuestion,
  repairQuestion,
  SYSTEM,
  toolQuestion,
} from "./prompts.ts";

const isReady = (key: string): boolean => catalogue.some((entry) => entry.key === key);

/** With the tools whose modules they import, in the order of the catalogue. */
function withNeeded(keys: readonly string[]): string[] {
  const all = new Set(keys.flatMap((key) => [key, ...catalogueEntry(key).needs]));
  return catalogue.map((entry) => entry.key).filter((key) => all.has(key));
}

const texts = (en: string, zh: string): Texts => ({ en, zh });

/** JSON Schema of a tool's input, strict. */
export function inputSchemaOf(parameters: readonly Parameter[]): Record<string, unknown> {
  const types: Record<Parameter["type"], object> = {
    string: { type: "string" },
    number: { type: "number" },
    integer: { type: "integer" },
    boolean: { type: "boolean" },
    list_of_strings: { type: "array", items: { type: "string" } },
    list_of_numbers: { type: "array", items: { type: "number" } },
  };
  return {
    type: "object",
    properties: Object.fromEntries(
      parameters.map(({ name, type, description }) => [name, { ...types[type], description }]),
    ),
    required: parameters.filter((one) => one.required).map((one) => one.name),
    additionalProperties: false,
  };
}

function selfTestsOf({ key, tests }: DesignedTool): SelfTest[] {
  return tests.map(({ input_json, files, secrets, succeeds, text_is, text_includes, leaves }) => ({
    tool: key,
    args: ["--tool", key, input_json],
    exit: succeeds ? 0 : 1,
    ...(files.length > 0 && { files: Object.fromEntries(files.map(({ name, content }) => [name, content])) }),
    ...(secrets.length > 0 && { env: Object.fromEntries(secrets.map(({ name, value }) => [name, value])) }),
    ...(succeeds && text_is !== null && { stdout: text_is.replace(/\n$/, "") }),
    ...(text_includes !== null && { includes: text_includes }),
    ...(leaves.length > 0 && {
      leaves: Object.fromEntries(leaves.map(({ file, contains }) => [file, contains])),
    }),
  }));
}

/** The exports that the runtime reads: they are what the design says, whatever the source was meant to be. */
function moduleOf(source: string, key: string, design: DesignDocument): string {
  const tool = design.tools.find((one) => one.key === key);
  return `${source.trimEnd()}

export const key = ${JSON.stringify(key)};
export const match = () => 0;
export const input_schema = ${JSON.stringify(tool?.input_schema ?? {})};
export const secrets = ${JSON.stringify(tool?.secrets ?? [])};
`;
}

/** What the language model wrote, without what was added to it. */
const ownSource = (module: string): string => module.replace(/\n\nexport const key = [\s\S]*$/, "\n");

/**
 * A language model as the author: it chooses tools of the catalogue, designs and writes those that are missing, and the
 * agent's prompt. Four calls and one for each new tool, whose code is repaired by what its tests say.
 */
export function modelAuthor(model: StageModel): AgentAuthor {
  return {
    name: model.name,
    kind: "model",

    async analyse({ requirement, project_name }, { current }) {
      const text = analysisQuestion(requirement, project_name, current);
      const answer = await askFor(model, {
        purpose: "requirements",
        system: SYSTEM,
        text,
        schema: analysisAnswer,
      });
      const ready = withNeeded(answer.catalogue_tools.map((tool) => tool.key)).map((key) => {
        const { name, summary } = catalogueEntry(key);
        const asked = answer.catalogue_tools.filter((tool) => tool.key === key).map((tool) => tool.asked_for);
        return { key, name, summary, phrases: asked.filter(Boolean) };
      });
      const made = answer.new_tools.map((tool) => ({
        key: tool.key,
        name: texts(tool.name_en, tool.name_zh),
        summary: texts(tool.summary_en, tool.summary_zh),
        phrases: [tool.asked_for].filter(Boolean),
      }));
      return {
        agent_name: answer.agent_name,
        purpose: answer.purpose.replace(/\s+/g, " ").trim(),
        language: answer.language,
        requirement,
        tools: [...ready, ...made],
        unmet: answer.unmet.map((part) => ({
          capability: part.capability,
          name: texts(part.name_en, part.name_zh),
          phrase: part.asked_for,
          reason: texts(part.reason_en, part.reason_zh),
          keywords: part.keywords,
        })),
        unmet_omitted: 0,
      };
    },

    async architect(requirements) {
      const text = architectureQuestion(requirements);
      const answer = await askFor(model, {
        purpose: "architecture",
        system: SYSTEM,
        text,
        schema: architectureAnswer,
      });
      return {
        agent_name: requirements.agent_name,
        ...answer,
        components: componentsOf(requirements),
        unmet: requirements.unmet.map((part) => part.capability),
      };
    },

    async design(requirements, _architecture, { current }) {
      const made = requirements.tools.map((tool) => tool.key).filter((key) => !isReady(key));
      const ready = planAgent({
        ...requirements,
        tools: requirements.tools.filter((tool) => isReady(tool.key)),
      });
      if (made.length === 0) return ready;
      const { tools } = await askFor(model, {
        purpose: "design",
        system: SYSTEM,
        text: designQuestion(requirements, made, current),
        schema: designAnswerFor(made),
      });
      return {
        ...ready,
        tools: [
          ...ready.tools,
          ...tools.map((tool) => ({
            key: tool.key,
            input: tool.tests.slice(0, 2).map((test) => test.input_json),
            output: tool.output,
            errors: tool.errors,
            description: tool.description,
            input_schema: inputSchemaOf(tool.parameters),
            network: tool.network,
            secrets: [...new Set(tool.secrets)],
          })),
        ],
        self_tests: [...tools.flatMap(selfTestsOf), ...ready.self_tests],
      };
    },

    async prompt(requirements, design) {
      const tools = requirements.tools.map(({ key, summary }) => ({ key, summary: summary.en }));
      const others = design.tools.flatMap((tool) => [
        ...Object.keys(Object(tool.input_schema?.properties)),
        requirements.agent_name,
      ]);
      const answer = await askFor(model, {
        purpose: "prompt",
        system: SYSTEM,
        text: promptQuestion(requirements, tools),
        schema: promptAnswerFor([...tools.map((tool) => tool.key), ...others]),
      });
      return {
        ...planPrompt(requirements, design),
        system_prompt: answer.system_prompt,
        examples: answer.examples,
      };
    },

    async tool(key, design, { current }) {
      if (isReady(key)) return await assetSource(`tools/${catalogueEntry(key).key}.mjs`);
      const before = current?.tools[key];
      const { source } = await askFor(model, {
        purpose: `tool ${key}`,
        system: SYSTEM,
        text: toolQuestion(key, design, before === undefined ? undefined : ownSource(before)),
        schema: sourceAnswer,
      });
      return moduleOf(source, key, design);
    },

    async repair(key, { source, problem, attempt }, design) {
      if (isReady(key)) return undefined;
      const { source: repaired } = await askFor(model, {
        purpose: `tool ${key}, repair ${attempt}`,
        system: SYSTEM,
        text: repairQuestion(ownSource(source), problem),
        schema: sourceAnswer,
      });
      return moduleOf(repaired, key, design);
    },

    agent: async (requirements, design) => await writeAgent(requirements, design, "model"),
  };
}
