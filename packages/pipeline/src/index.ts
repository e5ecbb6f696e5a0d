export { CHANNEL_ENV, type ChannelListener, openChannel } from "./child-channel.ts";
export { type ConditionScope, conditionHolds } from "./condition.ts";
export type {
  ArtifactContent,
  ArtifactOptions,
  ModelQuestion,
  ModelReply,
  ReferenceOptions,
  StageContext,
  StageMetrics,
  StageModel,
  StageProject,
  StageReporter,
  SubStageContext,
} from "./context.ts";
export { definePipeline } from "./define.ts";
export type {
  CommandAction,
  CommandStageInput,
  GateAction,
  GateInput,
  GateOutput,
  GateQuestion,
  GateStageInput,
  InputOf,
  InputSchema,
  JsonSchema,
  LocalisedText,
  ModuleAction,
  OnTimeout,
  Pipeline,
  PipelineInput,
  PipelineLimits,
  RetryPolicy,
  RunAction,
  RunStageInput,
  StageDefinition,
  StageInput,
  StageOutputs,
} from "./definition.ts";
export { definitionDigest, describeDefinition } from "./digest.ts";
export {
  isPipelineError,
  isStageError,
  PipelineError,
  type PipelineMistake,
  StageError,
  type StageErrorOptions,
} from "./errors.ts";
export { checkedQuestion } from "./gate.ts";
export {
  findPipelineFiles,
  type LoadOptions,
  loadPipelines,
  type PipelineFile,
  readPipelines,
} from "./load/load.ts";
export { createModuleLoader, type ModuleLoader, pipelinesFromModule } from "./load/module.ts";
export {
  fixedPipelines,
  type WatchedPipelines,
  type WatchOptions,
  watchPipelines,
} from "./load/watch.ts";
export {
  createRegistry,
  languageOf,
  type PipelineRegistry,
  stageNameIn,
  stagesFor,
  stagesNamed,
} from "./registry.ts";
