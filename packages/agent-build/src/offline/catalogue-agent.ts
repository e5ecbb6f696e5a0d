import type { GeneratedAgent, GeneratedFile } from "../author.ts";
import { designDocument, type RequirementsDocument } from "../documents.ts";
import { libraryFiles } from "../libraries.ts";
import { toolPath } from "../paths.ts";
import { assetSource } from "./assets.ts";
import { offlineAuthor } from "./author.ts";
import { catalogueEntry } from "./catalogue.ts";
import { planAgent } from "./plan.ts";
import { writeAgent } from "./write-agent.ts";

/** All files of an agent with these tools of the catalogue, without a build. */
export async function catalogueAgent(name: string, keys: readonly string[]): Promise<GeneratedAgent> {
  const needed = new Set(keys.flatMap((key) => [key, ...catalogueEntry(key).needs]));
  const requirements: RequirementsDocument = {
    author: offlineAuthor.name,
    agent_name: name,
    purpose: name,
    language: "en",
    requirement: name,
    tools: [...needed].map((key) => {
      const { name: title, summary } = catalogueEntry(key);
      return { key, name: title, summary, phrases: [] };
    }),
    unmet: [],
    unmet_omitted: 0,
  };
  const design = designDocument.parse(planAgent(requirements));
  const { entry, others } = await writeAgent(requirements, design, "rules");
  const tools = await Promise.all([...needed].map((key) => toolFiles(name, key)));
  return { entry, others: [...others, ...tools.flat()] };
}

async function toolFiles(agent: string, key: string): Promise<GeneratedFile[]> {
  const content = await assetSource(`tools/${catalogueEntry(key).key}.mjs`);
  const tool = { path: toolPath(agent, key), content, media_type: "text/javascript" };
  return [tool, ...(await libraryFiles(agent, content))];
}
