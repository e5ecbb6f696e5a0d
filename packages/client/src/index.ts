export type {
  ArtifactAddress,
  ArtifactsApi,
  ClaimedWork,
  CreateProjectInput,
  ListChange,
  ManyChange,
  Page,
  ProjectFilter,
  ProjectsApi,
  StagefoldClient,
  StagesApi,
  UploadedArtifact,
  UploadInput,
  WorkApi,
} from "./api.ts";
export { createClient } from "./client.ts";
export { ConnectionError, type ErrorCode, type ErrorData, StagefoldClientError } from "./errors.ts";
export type * from "./model/platform.ts";
export type * from "./model/project.ts";
export type * from "./model/stage.ts";
export type * from "./model/work.ts";
export type { CallOptions, ClientOptions, EventSourceConstructor, Fetch, WatchOptions } from "./options.ts";
export {
  type OutputsOf,
  type PipelineLike,
  type ProjectOf,
  type StageOf,
  type StageOutput,
  stageOutput,
} from "./typed.ts";
