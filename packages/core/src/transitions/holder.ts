import { StagefoldError } from "../errors.ts";
import { difference, editBytes, type Guard, type UpdatePatch, valueAt } from "../patch/index.ts";
import { itemBytes, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { withStages } from "./derive.ts";
import { endProject, projectFailed } from "./end.ts";
import { interruptStage, reopenStage } from "./stage.ts";

/** What a holder shows to write: its token, and a number above that of its last write. */
export interface LeaseKey {
  readonly lease_token: number;
  readonly lease_seq: number;
}

/** Deaths in a row without progress after which a build is given up. */
export const DEATHS_AT_MOST = 3;

/** How long after a lease's end others wait: five seconds, or a tenth of the lease if that is less. */
export function graceMs(leaseMs: number): number {
  return Math.min(5000, leaseMs / 10);
}

/**
 * The project as a new holder finds it, before its first write: a retry's stages are open again, what a dead
 * holder left running is interrupted, and a build whose holders keep dying has failed.
 */
export function begin(project: Project, at: string): Project {
  if (project.lease.fresh !== true) return project;
  const begun = begunLease(reopened(project));
  const position = begun.stages_snapshot.stages.findIndex((stage) => stage.status === "running");
  const stage = begun.stages_snapshot.stages[position];
  if (!stage) return begun;
  const lost = withStages(
    begun,
    begun.stages_snapshot.stages.with(position, interruptStage(stage, "failed", LOST, at)),
  );
  if (project.lease.claims <= DEATHS_AT_MOST) return lost;
  const message = `${DEATHS_AT_MOST} workers were lost in a row in stage ${stage.stage} without progress.`;
  const failed = {
    ...stage,
    status: "failed" as const,
    error_message: message,
    error_code: "STAGE_STALLED" as const,
  };
  const history = lost.stages_snapshot.stages[position]?.history ?? [];
  const stalled = withStages(
    lost,
    lost.stages_snapshot.stages.with(position, { ...failed, history, completed_at: at }),
  );
  return endProject(stalled, projectFailed(stage.stage, "STAGE_STALLED", message), at);
}

const LOST = "The worker that ran this attempt was lost.";

function reopened(project: Project): Project {
  const { restart_from, ...rest } = project;
  if (restart_from === undefined) return project;
  const { stages } = project.stages_snapshot;
  const from = stages.findIndex((stage) => stage.stage === restart_from);
  return withStages(
    rest,
    stages.map((stage, i) => (from >= 0 && i >= from ? reopenStage(stage) : stage)),
  );
}

function begunLease(project: Project): Project {
  if (project.status === "building") {
    const { fresh: _f, ...lease } = project.lease;
    return { ...project, lease };
  }
  const { fresh: _f, ...lease } = project.lease;
  return { ...project, lease };
}

/**
 * One write of the holder: from what it knows to what shall be. It holds only while nobody else wrote anything
 * that a reader can see (`revision`), the lease is this one, and no later write of the holder came before it.
 */
export function holderPatch(
  transition: "report" | "release",
  known: Project,
  next: Project,
  lease: LeaseKey,
  times: { readonly at: string; readonly leaseMs: number },
): UpdatePatch {
  requireLease(known, lease);
  const written = touched(renewed({ ...next, lease_seq: lease.lease_seq }, times), known, times.at);
  return {
    kind: "update",
    transition,
    project_id: known.project_id,
    guards: [
      { path: ["lease_token"], is: "equals", value: lease.lease_token },
      { path: ["lease_seq"], is: "less_than", value: lease.lease_seq },
      { path: ["lease", "owner"], is: "exists" },
      ...unchanged(known),
    ],
    edits: difference(known, written),
  };
}

/** Refuses a holder that is superseded, or a write that a later one of the same holder has overtaken. */
export function requireLease(known: Project, lease: LeaseKey): void {
  if (known.lease_token !== lease.lease_token || known.lease.owner === undefined)
    throw leaseLost(known.project_id);
  if (known.lease_seq < lease.lease_seq) return;
  throw new StagefoldError(
    "LEASE_LOST",
    `lease_seq ${lease.lease_seq} was used already: the last write of this lease had ${known.lease_seq}.`,
    { project_id: known.project_id },
  );
}

/** Every write renews the lease while it is held. */
function renewed(project: Project, times: { readonly at: string; readonly leaseMs: number }): Project {
  if (project.status !== "building" && (project.status !== "paused" || project.lease.owner === undefined))
    return project;
  const expires_at = addMs(times.at, times.leaseMs);
  if (project.status === "paused") return { ...project, lease: { ...project.lease, expires_at } };
  return {
    ...project,
    lease: { ...project.lease, expires_at },
    work_due_at: addMs(expires_at, graceMs(times.leaseMs)),
  };
}

/** The next revision, and what the item then weighs: exactly, for the first write of a holder. */
export function touched(next: Project, known: Project, at: string): Project {
  const written = { ...next, updated_at: at, revision: known.revision + 1, item_bytes: known.item_bytes };
  const weight =
    known.lease.fresh === true
      ? itemBytes(written)
      : known.item_bytes + editBytes(difference(known, written), (path) => valueAt(known, path));
  return { ...written, item_bytes: withOwnCount(weight - valueBytes(known.item_bytes)) };
}

/** The guards that `known` is what the item still is, for a reader. */
export function unchanged(known: Project): Guard[] {
  return [
    { path: ["revision"], is: "equals", value: known.revision },
    { path: ["status"], is: "equals", value: known.status },
  ];
}

export function leaseLost(projectId: string) {
  return new StagefoldError(
    "LEASE_LOST",
    `The lease on ${projectId} is not held under this token any more.`,
    {
      project_id: projectId,
    },
  );
}
