export type { SentTurn } from "./agents.ts";
export type { Snapshot } from "./entry.ts";
export {
  type CallState,
  hooksFor,
  type OpenGate,
  type PipelineHooks,
  type StageKeyOf,
  type StageState,
  useAgent,
  useArtifacts,
  useBuild,
  useBuilds,
  useClient,
  useConnection,
  useCreateBuild,
  useGate,
  useLog,
  useStage,
  useSuspenseBuild,
  useTurns,
} from "./hooks.ts";
export type { Connection, ListOptions } from "./live.ts";
export type { Log } from "./parts.ts";
export { StagefoldProvider, type StagefoldProviderProps } from "./provider.ts";
