import type { Project, ProjectSummary } from "./api.ts";

/** Why a build in the queue does not run. */
export type WaitReason =
  | { readonly kind: "start"; readonly atMs: number }
  | { readonly kind: "retry"; readonly atMs: number }
  | { readonly kind: "program" }
  | { readonly kind: "no worker" }
  | { readonly kind: "pipeline"; readonly most: number }
  | { readonly kind: "slots"; readonly slots: number }
  | { readonly kind: "soon" };

export interface QueueState {
  readonly nowMs: number;
  /** Undefined while they are not known. */
  readonly workers:
    | readonly { slots: number; running: readonly unknown[]; not_ready?: string | undefined }[]
    | undefined;
  /** Builds of its pipeline that run now, and how many may. */
  readonly ofPipeline: number;
  readonly most: number | undefined;
}

type Waiting = Pick<Project, "start_at" | "started_at" | "work_due_at" | "pipeline_version" | "run">;

/** Its time first, then who would run it, then whether they could. */
export function waitReason(
  { start_at, started_at, work_due_at, pipeline_version, run }: Waiting,
  { nowMs, workers, ofPipeline, most }: QueueState,
): WaitReason {
  const startMs = Date.parse(start_at ?? "");
  if (started_at === undefined && run === 1 && startMs > nowMs) return { kind: "start", atMs: startMs };
  const dueMs = Date.parse(work_due_at ?? "");
  if (dueMs > nowMs) return { kind: "retry", atMs: dueMs };
  if (pipeline_version === undefined) return { kind: "program" };
  if (workers === undefined) return { kind: "soon" };
  const ready = workers.filter(({ not_ready }) => not_ready === undefined);
  if (ready.length === 0) return { kind: "no worker" };
  if (most !== undefined && ofPipeline >= most) return { kind: "pipeline", most };
  const slots = ready.reduce((sum, worker) => sum + worker.slots, 0);
  const used = ready.reduce((sum, { running }) => sum + running.length, 0);
  return used >= slots ? { kind: "slots", slots } : { kind: "soon" };
}

type Queued = Pick<ProjectSummary, "project_id" | "priority" | "created_at">;

/** Its place among all that are queued: the more urgent are before it, then the older ones. Users take turns, so it is about that. */
export function placeIn(queue: readonly Queued[], { project_id, priority, created_at }: Queued): number {
  const before = queue.filter(
    (other) =>
      other.project_id !== project_id &&
      (other.priority < priority || (other.priority === priority && other.created_at < created_at)),
  );
  return before.length + 1;
}
