import type {
  ArchitectureDocument,
  DesignDocument,
  DesignDraft,
  RequirementsDocument,
  SelfTest,
} from "../documents.ts";
import { agentFolder, agentPath, documentPath, promptPath, toolPath } from "../paths.ts";
import { catalogue, catalogueEntry } from "./catalogue.ts";

const unmetOf = (requirements: RequirementsDocument): string[] =>
  requirements.unmet.map((part) => part.capability);

/** The files of the agent and what depends on what, whichever author writes them. */
export function componentsOf(requirements: RequirementsDocument): ArchitectureDocument["components"] {
  const { agent_name: agent } = requirements;
  const keys = requirements.tools.map((tool) => tool.key);
  const needs = (key: string) => catalogue.find((entry) => entry.key === key)?.needs ?? [];
  return [
    {
      name: agent,
      kind: "entry",
      path: agentPath(agent),
      responsibility: "starts the runtime with the agent's tools",
      depends_on: ["runtime", "manifest", ...keys],
    },
    {
      name: "runtime",
      kind: "runtime",
      path: `${agentFolder(agent)}/runtime.mjs`,
      responsibility: "reads the command line, finds the tool for an input, prints results and errors",
      depends_on: [],
    },
    {
      name: "manifest",
      kind: "data",
      path: `${agentFolder(agent)}/manifest.json`,
      responsibility: "says what the agent is for, what it can do and what it lacks",
      depends_on: [],
    },
    ...requirements.tools.map((tool) => ({
      name: tool.key,
      kind: "tool" as const,
      path: toolPath(agent, tool.key),
      responsibility: tool.summary.en,
      depends_on: [...needs(tool.key)],
    })),
    {
      name: "prompt",
      kind: "data",
      path: promptPath(agent),
      responsibility: "instructs a language model that uses the same tools",
      depends_on: keys,
    },
  ];
}

/** The parts of the agent and what depends on what. */
export function planArchitecture(requirements: RequirementsDocument): ArchitectureDocument {
  const { agent_name, purpose, tools } = requirements;
  return {
    agent_name,
    overview: `${purpose} A command line program of ${tools.length} tool(s) that runs on Node alone.`,
    components: componentsOf(requirements),
    data_flow: [
      "command line or standard input -> runtime",
      "runtime asks every tool how surely the input is for it -> the surest tool",
      "tool -> text on standard output, or with --json also its data",
      "anything that cannot be done -> standard error and exit code 1",
    ],
    constraints: [
      "Node 20.19 or later, no dependencies, no installation",
      "reads files below the working folder only",
      "no input is run as code",
    ],
    unmet: unmetOf(requirements),
  };
}

function agentTests(requirements: RequirementsDocument): SelfTest[] {
  const asked = requirements.unmet.find((part) => part.keywords.length > 0);
  return [
    { tool: "agent", args: ["--help"], exit: 0, includes: requirements.agent_name },
    { tool: "agent", args: ["--describe"], exit: 0, includes: `"agent_name": "${requirements.agent_name}"` },
    { tool: "agent", args: ["--tool", "no_such_tool", "x"], exit: 2, includes: "no_such_tool" },
    ...(asked === undefined
      ? []
      : [{ tool: "agent", args: ["--help"], exit: 0, includes: asked.name[requirements.language] }]),
  ];
}

/** How the agent behaves, and the tests that will be run on it. */
export function planAgent(requirements: RequirementsDocument): DesignDraft {
  const tools = requirements.tools.map(({ key }) => catalogueEntry(key));
  return {
    agent_name: requirements.agent_name,
    commands: [
      { usage: "<input>", does: "finds the tool for the input and prints its result" },
      { usage: "--tool <key> <input>", does: "runs one tool" },
      { usage: "--json", does: "prints the result as one line of JSON" },
      { usage: "--help", does: "shows the tools, and what was asked for but is not part of the agent" },
      { usage: "--describe", does: "prints the manifest" },
    ],
    routes: tools.map((tool) => ({ tool: tool.key, rule: tool.rule })),
    tools: tools.map((tool) => ({
      key: tool.key,
      input: [...tool.input],
      output: tool.output,
      errors: [...tool.errors],
      secrets: [...(tool.secrets ?? [])],
    })),
    self_tests: [
      ...tools.flatMap((tool) => tool.cases.map((test) => ({ tool: tool.key, ...test }))),
      ...agentTests(requirements),
    ],
    unmet: unmetOf(requirements),
  };
}

/** For a language model that is given the tools: plain data. */
export function planPrompt(
  requirements: RequirementsDocument,
  design: DesignDocument,
): Record<string, unknown> {
  const zh = requirements.language === "zh";
  const unmet = requirements.unmet.map((part) => ({
    capability: part.capability,
    asked_for: part.phrase,
    reason: part.reason[requirements.language],
  }));
  const rules = zh
    ? [
        "只使用列出的工具；不要编造结果。",
        "工具报错时，原样说明原因。",
        "被要求做未实现的部分时，直接说明不支持。",
      ]
    : [
        "Use the listed tools alone; never make up a result.",
        "When a tool reports an error, say why in its own words.",
        "When asked for a part that is unmet, say plainly that it is not supported.",
      ];
  return {
    agent: {
      name: requirements.agent_name,
      description: requirements.purpose,
      language: requirements.language,
      documents: [
        documentPath(requirements.agent_name, "requirements"),
        documentPath(requirements.agent_name, "design"),
      ],
    },
    system_prompt: [
      zh ? `你是 ${requirements.agent_name}。` : `You are ${requirements.agent_name}.`,
      zh ? `你的任务: ${requirements.purpose}` : `Your task: ${requirements.purpose}`,
      ...rules.map((rule) => `- ${rule}`),
    ].join("\n"),
    tools: requirements.tools.map((tool) => {
      const designed = design.tools.find((candidate) => candidate.key === tool.key);
      return {
        name: tool.key,
        description: designed?.description ?? tool.summary[requirements.language],
        input: designed?.input ?? [],
        ...(designed?.input_schema !== undefined && { input_schema: designed.input_schema }),
        errors: designed?.errors ?? [],
      };
    }),
    unmet,
  };
}
