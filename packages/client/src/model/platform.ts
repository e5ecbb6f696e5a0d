import type { ProjectStatus } from "./project.ts";

/** One text, or one per language: `{ en: "Tests", zh: "测试" }`. */
export type LocalisedText = string | Record<string, string>;

export interface PipelineInfo {
  name: string;
  version: string;
  description?: LocalisedText | undefined;
  /** Builds that may run at the same time. */
  max_running?: number | undefined;
  stages: PipelineStage[];
}

export interface PipelineStage {
  stage: string;
  stage_name: LocalisedText;
  weight: number;
  agent_name?: string | undefined;
  timeout_seconds: number;
  retry: { attempts: number; backoff_seconds: number; final_codes?: readonly string[] | undefined };
}

/** How many projects there are in each state. */
export interface Overview {
  total: number;
  by_status: Record<ProjectStatus, number>;
  /** Held by a worker, or about to be taken over. */
  running: number;
  /** Completed of those completed or failed, 0 to 1; null where there are none. */
  success_rate: number | null;
  /** When this was counted. */
  at: string;
}

export interface BuildFigures {
  total: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Not ended yet. */
  open: number;
  success_rate: number | null;
  /** From the first start to the completion, of completed builds. */
  duration_seconds: { median: number; p95: number } | null;
  /** Of the builds that ended, by stage. */
  stage_seconds: Record<string, { builds: number; median: number; total: number }>;
  /** Builds that failed, by the stage in which they did. */
  stage_failures: Record<string, number>;
  input_tokens: number;
  output_tokens: number;
  tool_calls: number;
}

/** Figures of the builds created on each of the last days, the oldest first, today last; and of all together. */
export interface BuildStats {
  time_zone: string;
  days: (BuildFigures & { date: string })[];
  all: BuildFigures;
}

export interface SystemInfo {
  name: "stagefold";
  version: string;
  schema_version: number;
  /** Which kind of DynamoDB keeps the table. */
  engine: string;
  node_version: string;
  started_at: string;
  now: string;
  lease_seconds: number;
  /** Bytes, counts and levels. */
  limits: Record<string, number>;
}
