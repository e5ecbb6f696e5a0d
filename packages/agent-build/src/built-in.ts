import { createRegistry, loadPipelines, type PipelineRegistry } from "@stagefold/pipeline";
import { agentBuild } from "./agent-build.ts";

/** The pipelines that every API and worker has. */
export function builtInPipelines(): PipelineRegistry {
  return createRegistry([agentBuild]);
}

/** The built-in pipelines and, where a folder is given, those of its files. */
export async function openPipelines(folder: string | undefined): Promise<PipelineRegistry> {
  return folder === undefined ? builtInPipelines() : await loadPipelines(folder, [agentBuild]);
}
