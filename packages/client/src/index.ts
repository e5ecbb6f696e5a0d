export type { LinkedQuestion } from "./answer-link.ts";
export type * from "./api.ts";
export {
  type ArtifactAddress,
  addressOfRef,
  routeOf as artifactRoute,
  type UploadedArtifact,
  type UploadInput,
} from "./artifacts.ts";
export { createClient, type StagefoldClient } from "./client.ts";
export { ConnectionError, type ErrorCode, type ErrorData, StagefoldClientError } from "./errors.ts";
export { foldTurn } from "./fold-turn.ts";
export {
  type FollowedLog,
  followLog,
  type LogRef,
  logKey,
  unreadLog,
  WATCHED,
  type WatchLog,
} from "./follow-log.ts";
export { LogLines, type WholeLine } from "./log-lines.ts";
export type { CallOptions, ClientOptions, Fetch, WatchOptions } from "./options.ts";
export {
  type AnswerOf,
  type CreateOf,
  type GivenOf,
  type OutputsOf,
  type PipelineLike,
  type ProjectOf,
  type StageOf,
  type StageOutput,
  stageOutput,
} from "./typed.ts";
