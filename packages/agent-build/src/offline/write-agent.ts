import type { GeneratedAgent, GeneratedFile } from "../author.ts";
import type { DesignDocument, RequirementsDocument } from "../documents.ts";
import { agentFolder, agentPath, promptPath, toolFolder } from "../paths.ts";
import { assetSource, builtSource } from "./assets.ts";

/** Nothing of the requirement's text gets into code: names are `[a-z0-9_]`, all else is in the manifest, as JSON. */
function entrySource(agent: string, tools: readonly string[]): string {
  const imports = tools.map(
    (tool) => `import * as ${tool} from "../../../${toolFolder(agent)}/${tool}.mjs";`,
  );
  return [
    "#!/usr/bin/env node",
    "// Written by the Stagefold pipeline agent-build. Needs Node 20.19 or later and nothing else.",
    "",
    'import { readFile } from "node:fs/promises";',
    ...imports,
    'import { main } from "./runtime.mjs";',
    "",
    'const manifest = JSON.parse(await readFile(new URL("./manifest.json", import.meta.url), "utf8"));',
    `await main(manifest, [${tools.join(", ")}], process.argv.slice(2));`,
    "",
  ].join("\n");
}

function manifestOf(
  requirements: RequirementsDocument,
  design: DesignDocument,
  kind: "rules" | "model",
): string {
  const manifest = {
    kind,
    prompt: promptPath(requirements.agent_name),
    agent_name: requirements.agent_name,
    purpose: requirements.purpose,
    language: requirements.language,
    tools: requirements.tools.map(({ key, name, summary }) => ({
      key,
      name,
      summary,
      input: design.tools.find((tool) => tool.key === key)?.input ?? [],
    })),
    unmet: requirements.unmet,
    secrets: secretsOf(design),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Names of the secrets that the agent's tools read. */
export const secretsOf = (design: DesignDocument): string[] => [
  ...new Set(design.tools.flatMap((tool) => tool.secrets)),
];

/** As an indented block: whatever the text holds, Markdown shows it as it is. */
const quoted = (text: string): string => `    ${text.replace(/\s+/g, " ")}`;

function readme(requirements: RequirementsDocument, design: DesignDocument): string {
  const { agent_name: agent, language } = requirements;
  const tools = requirements.tools.flatMap((tool) => {
    const examples = design.tools.find(({ key }) => key === tool.key)?.input ?? [];
    return [
      `- \`${tool.key}\`: ${tool.summary[language]}`,
      ...examples.map((example) => `  - \`${example}\``),
    ];
  });
  const unmet = requirements.unmet.flatMap((part) => [
    `- ${part.name[language]}: ${part.reason[language]}`,
    "",
    `  ${quoted(part.phrase)}`,
    "",
  ]);
  return [
    `# ${agent}`,
    "",
    quoted(requirements.purpose),
    "",
    "Run it from the folder that holds `agents/` and `tools/`, with Node 20.19 or later:",
    "",
    `    node ${agentPath(agent)} --help`,
    "",
    "## Tools",
    "",
    ...tools,
    ...(unmet.length === 0 ? [] : ["", "## Asked for, but not part of this agent", "", ...unmet]),
    "",
  ].join("\n");
}

/** The agent's own files; its tools are written by the stage before. */
export async function writeAgent(
  requirements: RequirementsDocument,
  design: DesignDocument,
  kind: "rules" | "model",
): Promise<GeneratedAgent> {
  const { agent_name: agent } = requirements;
  const tools = requirements.tools.map((tool) => tool.key);
  const folder = agentFolder(agent);
  const javascript = "text/javascript";
  const others: GeneratedFile[] = [
    ...(await Promise.all(
      (["runtime", "serve"] as const).map(async (name) => ({
        path: `${folder}/${name}.mjs`,
        content: await assetSource(`agent/${name}.mjs`),
        media_type: javascript,
      })),
    )),
    {
      path: `${folder}/manifest.json`,
      content: manifestOf(requirements, design, kind),
      media_type: "application/json",
    },
    { path: `${folder}/README.md`, content: readme(requirements, design), media_type: "text/markdown" },
    ...(kind === "model"
      ? [
          {
            path: `${folder}/model.mjs`,
            content: await builtSource("agent/model.mjs"),
            media_type: javascript,
          },
        ]
      : []),
  ];
  return {
    entry: { path: agentPath(agent), content: entrySource(agent, tools), media_type: javascript },
    others,
  };
}
