export type { Spending } from "./run-model.ts";
export { type AgentProblem, type AgentRunnerDeps, createAgentRunner } from "./runner.ts";
export type { VersionFile } from "./version-files.ts";
