import { agentBuild } from "./agent-build/agent-build.ts";
import { createRegistry, type PipelineRegistry } from "./registry.ts";

/** The pipelines that every API and worker has. */
export function builtInPipelines(): PipelineRegistry {
  return createRegistry([agentBuild]);
}
