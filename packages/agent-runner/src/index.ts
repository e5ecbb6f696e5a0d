export type { Spending } from "./run-model.ts";
export { type AgentProblem, type AgentRunnerDeps, createAgentRunner, type TurnTrace } from "./runner.ts";
export type { VersionFile } from "./version-files.ts";
