import type { Agents, ArtifactStore, Repository } from "@stagefold/core";
import type { Pipeline, PipelineRegistry } from "@stagefold/pipeline";
import type { SecretSource } from "@stagefold/runtime/secrets";
import type { Telemetry } from "@stagefold/runtime/telemetry";
import type { Logger } from "pino";
import type { ModelAccess } from "./build/model-calls.ts";
import type { WorkerMetrics } from "./metrics.ts";
import type { WorkerBackoff } from "./queue/worker-backoff.ts";
import type { StageRunner } from "./runner/runner.ts";
import type { Workspaces } from "./workspace/workspaces.ts";

/** How the worker paces itself, in milliseconds. */
export interface Timings {
  /** Between scans for work while there is none: the first wait, and the longest. */
  readonly idleFirstMs: number;
  readonly idleLastMs: number;
  /** Between two runs of the reconciler, and how long work has to be due before it counts as lost by the index. */
  readonly reconcileMs: number;
  readonly lostAfterMs: number;
  /** How long events of a running stage wait for more of them: the least time between two writes. */
  readonly flushMs: number;
  /** What loading the module of a stage may take. */
  readonly loadMs: number;
  /** Without an answer of the store for so long the project is read, which shows a cancel by another process. */
  readonly pollMs: number;
  /**
   * What a stage gets to clean up at a timeout or shutdown, and when its build was cancelled or deleted, which is noticed
   * after `pollMs` at the latest.
   */
  readonly stopGraceMs: number;
  readonly cancelGraceMs: number;
  /** How long the files of a stage wait for a store that is away: then the stage or its build learns of it. */
  readonly storePatienceMs: number;
  /** What the last writes of a stopping worker may take. */
  readonly releaseMs: number;
}

export const TIMINGS: Timings = {
  idleFirstMs: 100,
  idleLastMs: 2000,
  reconcileMs: 5 * 60_000,
  lostAfterMs: 30_000,
  flushMs: 2000,
  loadMs: 60_000,
  pollMs: 700,
  stopGraceMs: 2000,
  cancelGraceMs: 800,
  storePatienceMs: 60_000,
  releaseMs: 5000,
};

/** The pipelines that a worker has now. */
export interface WorkerPipelines extends PipelineRegistry {
  /** When they last changed, in epoch milliseconds: a build that is newer may need newer ones. Absent: not known. */
  readonly changedAt?: number | undefined;
  /** An earlier definition that this worker still has, by its digest. */
  past?(name: string, digest: string): Pipeline | undefined;
}

/** What all builds of a worker share. */
export interface BuildDeps {
  readonly repository: Repository;
  readonly artifacts: ArtifactStore;
  readonly pipelines: WorkerPipelines;
  readonly workspaces: Workspaces;
  readonly runner: StageRunner;
  readonly secrets: SecretSource;
  readonly workerBackoff: WorkerBackoff;
  readonly modelAccess: ModelAccess | undefined;
  /** The agents that builds make; without them each build makes a new one. */
  readonly agents: Pick<Agents, "get" | "publish" | "usersOf"> | undefined;
  /** How many stages of one build may run at once: no more than this worker runs builds. */
  readonly stagesAtOnce: number;
  readonly metrics: WorkerMetrics;
  readonly telemetry: Telemetry;
  readonly timings: Timings;
  readonly log: Logger;
}
