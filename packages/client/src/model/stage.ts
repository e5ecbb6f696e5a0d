import type { FailureCode } from "./project.ts";

export type StageStatus = "pending" | "running" | "completed" | "failed" | "skipped" | "cancelled";

/** What is kept of an artifact besides its path. `size` in bytes. */
export interface ArtifactInfo {
  size?: number | undefined;
  sha256?: string | undefined;
  media_type?: string | undefined;
  created_at?: string | undefined;
  doc_path?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
}

/** A stage's artifacts, and beside them whatever the stage itself returned. */
export interface AnyOutputData {
  artifacts: string[];
  artifact_info: Record<string, ArtifactInfo>;
  /** Set when `artifacts` is not the whole list: how many there are. `client.artifacts` has them all. */
  artifact_count?: number | undefined;
  [own: string]: unknown;
}

/** The fields of `Own` are there once the stage has completed, unless its `output_ref` is set. */
export type OutputData<Own = unknown> = unknown extends Own ? AnyOutputData : AnyOutputData & Partial<Own>;

/** Sums over a stage; a stage may add figures of its own. */
export interface Metrics {
  input_tokens?: number | undefined;
  output_tokens?: number | undefined;
  tool_calls?: number | undefined;
  [own: string]: unknown;
}

export interface SubStage {
  number: number;
  status: StageStatus;
  started_at?: string | undefined;
  completed_at?: string | undefined;
  error_message?: string | null | undefined;
  /** 0 to 100. */
  progress?: number | undefined;
  artifacts: string[];
}

/** An attempt that was made before the present one. */
export interface HistoryEntry {
  attempt: number;
  status: StageStatus;
  code?: FailureCode | undefined;
  started_at?: string | undefined;
  completed_at?: string | undefined;
  error_message?: string | null | undefined;
  log_seq?: number | undefined;
}

interface StageFields<Key extends string, Own> {
  stage: Key;
  /** From 1. */
  stage_number: number;
  /** What people read, in any language. */
  stage_name: string;
  /** Its share of the project's progress, relative to the other stages. */
  weight: number;
  /** 0 before the first. */
  attempt: number;
  /** 0 to 100 within the stage. */
  progress: number;
  agent_name?: string | undefined;
  completed_at?: string | undefined;
  duration_seconds?: number | undefined;
  output_data: OutputData<Own>;
  /** Type only, never there: what the stage returns. */
  readonly "~output"?: Own;
  metrics: Metrics;
  /** Why a failed stage failed. */
  error_code?: FailureCode | undefined;
  /** The last lines of its log, while it runs and when it failed; `client.stages.logs` has them all. */
  logs?: string[] | undefined;
  sub_stages: Record<string, SubStage>;
  /** Earlier attempts, the last 20. */
  history: HistoryEntry[];
  /** Attempts that failed by themselves since the stage was last opened: what its retry policy counts. */
  failed_attempts?: number | undefined;
  log_seq?: number | undefined;
  artifact_manifest?: string | undefined;
  /** Set when the output was too large for the item: the artifact that has it. */
  output_ref?: string | undefined;
  history_ref?: string | undefined;
}

interface IdleStage<Key extends string, Own> extends StageFields<Key, Own> {
  status: "pending" | "completed" | "skipped" | "cancelled";
  started_at?: string | undefined;
  error_message: string | null;
}

interface RunningStage<Key extends string, Own> extends StageFields<Key, Own> {
  status: "running";
  started_at: string;
  error_message: string | null;
}

interface FailedStage<Key extends string, Own> extends StageFields<Key, Own> {
  status: "failed";
  started_at?: string | undefined;
  error_message: string;
}

/** One stage of a build. `status` says what must be there. */
export type Stage<Key extends string = string, Own = unknown> =
  | IdleStage<Key, Own>
  | RunningStage<Key, Own>
  | FailedStage<Key, Own>;
