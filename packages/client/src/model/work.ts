import type { FailureCode } from "./project.ts";
import type { ArtifactInfo } from "./stage.ts";

/** One artifact as every list shows it. `size` in bytes. */
export interface Artifact extends ArtifactInfo {
  project_id: string;
  stage: string;
  sub_stage?: string | undefined;
  attempt: number;
  path: string;
}

/** One artifact as it is recorded: a relative path with `/` between its parts. */
export interface ArtifactInput extends ArtifactInfo {
  path: string;
  sub_stage?: string | undefined;
}

/** The stages of a project that its creator runs itself, in their order. */
export interface StagePlan {
  /** The key: 1 to 64 of `a-z 0-9 _ -`, once in a project. */
  stage: string;
  stage_name?: string | undefined;
  /** Default 1. */
  weight?: number | undefined;
}

interface EventFields {
  stage: string;
  sub_stage?: string | undefined;
  at?: string | undefined;
}

/** What the holder of a lease can say of a stage, or of a part of it. */
export type ReportEvent = EventFields &
  (
    | { event: "started"; agent_name?: string | undefined }
    /** 0 to 100. */
    | { event: "progress"; progress: number }
    | { event: "log"; lines: string[] }
    /** Default mode `add`. */
    | { event: "artifacts"; artifacts: ArtifactInput[]; mode?: "replace" | "add" | undefined }
    | {
        event: "completed";
        output?: Record<string, unknown> | undefined;
        metrics?: Record<string, number> | undefined;
        artifacts?: ArtifactInput[] | undefined;
      }
    | {
        event: "failed";
        message: string;
        /** Default `STAGE_FAILED`. */
        code?: FailureCode | undefined;
        /** The stage is tried again after this; without it the build has failed. */
        retry_in_seconds?: number | undefined;
        metrics?: Record<string, number> | undefined;
      }
    | { event: "skipped"; reason: string }
  );

/** The right to write a project's stages. Each report uses a `lease_seq` above the last one. */
export interface LeaseKey {
  project_id: string;
  lease_token: number;
  lease_seq: number;
}
