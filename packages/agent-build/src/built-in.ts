import { createRegistry, loadPipelines, type PipelineRegistry } from "@stagefold/pipeline";
import { agentBuild } from "./agent-build.ts";

/** What modules of users import, from `src` and `dist` alike. */
const SELF = new URL("../dist/index.js", import.meta.url).href;

/** The pipelines that every API and worker has. */
export function builtInPipelines(): PipelineRegistry {
  return createRegistry([agentBuild]);
}

/** The built-in pipelines and, where a folder is given, those of its files. */
export async function openPipelines(folder: string | undefined): Promise<PipelineRegistry> {
  if (folder === undefined) return builtInPipelines();
  return await loadPipelines(folder, { builtIn: [agentBuild], modules: { "@stagefold/agent-build": SELF } });
}
