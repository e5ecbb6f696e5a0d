import type { Stage } from "./stage.ts";

/** Where a build stands. It has ended with `completed`, `failed` and `cancelled`. */
export type ProjectStatus =
  | "pending"
  | "queued"
  | "building"
  | "paused"
  | "completed"
  | "failed"
  | "cancelled";

/** Why a stage failed. */
export type FailureCode =
  | "STAGE_FAILED"
  | "STAGE_TIMEOUT"
  | "STAGE_STALLED"
  | "WORKER_LOST"
  | "OUTPUT_INVALID"
  | "PIPELINE_CHANGED"
  | "ITEM_FULL";

export interface ErrorInfo {
  stage?: string | undefined;
  code: FailureCode;
  message: string;
}

/** Written once, when a build ends: seconds by stage, sums of the stages' metrics, number of artifacts. */
export interface BuildSummary {
  stage_seconds: Record<string, number>;
  input_tokens: number;
  output_tokens: number;
  tool_calls: number;
  artifacts: number;
}

/** What a list shows of a project. Times are `YYYY-MM-DDTHH:mm:ss.SSSZ`. */
export interface ProjectSummary {
  /** `proj_` and 12 hex digits. */
  project_id: string;
  project_name: string;
  /** How the requirement begins. */
  requirement_preview?: string | undefined;
  status: ProjectStatus;
  user_id?: string | undefined;
  user_name?: string | undefined;
  pipeline?: string | undefined;
  /** Raised by every retry; 1 at first. */
  run: number;
  tags: string[];
  /** 1 (first) to 5 (last). */
  priority: number;
  agent_id?: string | undefined;
  current_stage?: string | undefined;
  current_stage_number?: number | undefined;
  /** 0 to 100, by the weight of the finished stages. */
  progress_percentage: number;
  created_at: string;
  started_at?: string | undefined;
  completed_at?: string | undefined;
  error_info?: ErrorInfo | undefined;
  build_summary?: BuildSummary | undefined;
}

/** The stages of a build, in their order. `completed` counts completed and skipped ones. */
export interface Snapshot<S = Stage> {
  total: number;
  completed: number;
  stages: S[];
}

export interface Lease {
  /** Claims in a row without progress. */
  claims: number;
  owner?: string | undefined;
  expires_at?: string | undefined;
  unstarted?: boolean | undefined;
}

interface ProjectFields<S> extends Omit<ProjectSummary, "status" | "error_info"> {
  schema_version: 1;
  requirement: string;
  /** The version of the pipeline this run was started with; a project with its own stages has none. */
  pipeline_version?: string | undefined;
  updated_at: string;
  /** Raised by every write that a reader can see. */
  revision: number;
  /** Bytes. */
  item_bytes: number;
  stages_snapshot: Snapshot<S>;
  lease_seq: number;
  control?: { op: string; at: string } | undefined;
  /** Set between a retry and the first write of the worker that takes it up. */
  restart_from?: string | undefined;
  request_hash?: string | undefined;
  work_queue?: string | undefined;
  work_due_at?: string | undefined;
}

/** A build that is not held by anybody now, or has ended without a failure. */
export interface IdleProject<S = Stage> extends ProjectFields<S> {
  status: "pending" | "queued" | "paused" | "completed" | "cancelled";
  lease: Lease;
  error_info?: ErrorInfo | undefined;
}

/** A build in the hands of a worker until `lease.expires_at`. */
export interface BuildingProject<S = Stage> extends ProjectFields<S> {
  status: "building";
  lease: Lease & { owner: string; expires_at: string };
  error_info?: ErrorInfo | undefined;
}

export interface FailedProject<S = Stage> extends ProjectFields<S> {
  status: "failed";
  lease: Lease;
  error_info: ErrorInfo;
}

/** One build: everything that is known of it. `status` says what must be there. */
export type Project<S = Stage> = IdleProject<S> | BuildingProject<S> | FailedProject<S>;
