export { agentBuild, createAgentBuild } from "./agent-build.ts";
export type {
  AgentAuthor,
  AgentBrief,
  AuthorWork,
  BrokenTool,
  CurrentVersion,
  GeneratedAgent,
  GeneratedFile,
} from "./author.ts";
export { builtInPipelines, checkPipelines, followPipelines, openPipelines } from "./built-in.ts";
export type {
  ArchitectureDocument,
  DesignDocument,
  RequirementsDocument,
  SelfTest,
  UnmetPart,
} from "./documents.ts";
export { offlineAuthor } from "./offline/author.ts";
export { catalogueAgent } from "./offline/catalogue-agent.ts";
