import type { ArtifactStore, Repository } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";
import type { Logger } from "pino";
import type { WorkerMetrics } from "./metrics.ts";
import type { StageRunner } from "./runner/runner.ts";
import type { Workspaces } from "./workspace/workspaces.ts";

/** How the worker paces itself, in milliseconds. */
export interface Timings {
  /** Between looks for work: the first wait, and the longest. */
  readonly idleFirstMs: number;
  readonly idleLastMs: number;
  /** Between two sweeps for work that the work index lost, and how long that has to be due before it counts as lost. */
  readonly reconcileMs: number;
  readonly lostAfterMs: number;
  /** How long what a running stage says waits for more: the least time between two writes. */
  readonly flushMs: number;
  /** Without any answer for so long, the project is looked at: so a cancel that another process made is heard of. */
  readonly pollMs: number;
  /**
   * What a stage gets to end by itself at a timeout or shutdown, and when its build was cancelled or deleted. The latter
   * and `pollMs` together leave some of two seconds: a cancel takes no longer.
   */
  readonly stopGraceMs: number;
  readonly cancelGraceMs: number;
  /** What the last writes of a worker that stops may take. */
  readonly releaseMs: number;
}

export const TIMINGS: Timings = {
  idleFirstMs: 100,
  idleLastMs: 2000,
  reconcileMs: 5 * 60_000,
  lostAfterMs: 30_000,
  flushMs: 2000,
  pollMs: 700,
  stopGraceMs: 2000,
  cancelGraceMs: 800,
  releaseMs: 5000,
};

/** What running builds takes; each worker has one. */
export interface BuildDeps {
  readonly repository: Repository;
  readonly artifacts: ArtifactStore;
  readonly pipelines: PipelineRegistry;
  readonly workspaces: Workspaces;
  readonly runner: StageRunner;
  readonly metrics: WorkerMetrics;
  readonly timings: Timings;
  readonly log: Logger;
}
