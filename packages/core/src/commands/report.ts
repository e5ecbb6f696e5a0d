import { StagefoldError } from "../errors.ts";
import { difference, type Guard, type UpdatePatch } from "../patch/index.ts";
import { endProject, projectFailed } from "../project/end.ts";
import { endSubStages, interruptStage, reopenStage } from "../project/stage.ts";
import { isFinished, withStage, withStages } from "../snapshot/derive.ts";
import { itemBytes, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";

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
  const { stages } = begun.stages_snapshot;
  // An older item may have nothing left to run.
  if (stages.every(isFinished)) return endProject(begun, { status: "completed" }, at);
  const position = stages.findIndex((stage) => stage.status === "running");
  const stage = stages[position];
  if (project.lease.claims > DEATHS_AT_MOST) return stalled(begun, position, at);
  return stage ? withStage(begun, position, interruptStage(stage, "failed", LOST, at)) : begun;
}

/** Given up, with its stage if its last holder came so far as to start one. */
function stalled(project: Project, position: number, at: string): Project {
  const stage = project.stages_snapshot.stages[position];
  const name = stage?.stage ?? project.current_stage ?? "";
  const message = `${DEATHS_AT_MOST} workers were lost in a row in stage ${name} without progress.`;
  const ending = projectFailed(name, "STAGE_STALLED", message);
  if (!stage) return endProject(project, ending, at);
  const { history } = interruptStage(stage, "failed", LOST, at);
  const failed = {
    ...endSubStages(stage, at),
    status: "failed" as const,
    error_message: message,
    error_code: "STAGE_STALLED" as const,
    history,
    completed_at: at,
  };
  return endProject(withStage(project, position, failed), ending, at);
}

const LOST = "The worker that ran this attempt was lost.";

function reopened(project: Project): Project {
  const { restart_from, ...rest } = project;
  const { stages } = project.stages_snapshot;
  const from = stages.findIndex((stage) => stage.stage === restart_from);
  const opened = stages.map((stage, i) =>
    (from >= 0 && i >= from) || isStuck(stage) ? reopenStage(stage) : stage,
  );
  return opened.every((stage, i) => stage === stages[i]) && restart_from === undefined
    ? project
    : withStages(rest, opened);
}

/** In a project that goes on, as an older form may have it: no event leads out of these. */
function isStuck(stage: Stage): boolean {
  return stage.status === "failed" || stage.status === "cancelled";
}

function begunLease(project: Project): Project {
  if (project.status === "building") {
    const { fresh: _f, claim_id: _c, ...lease } = project.lease;
    return { ...project, lease };
  }
  const { fresh: _f, claim_id: _c, ...lease } = project.lease;
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
    after: written,
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

/** The share of a lease that a write leaves as it is: renewing what is nearly new costs two units of the work index. */
const NEARLY_NEW = 7 / 8;

/**
 * A write renews the lease while it is held, unless nearly all of it is left. A holder may trust three quarters of
 * a lease from any write of its own.
 */
function renewed(project: Project, times: { readonly at: string; readonly leaseMs: number }): Project {
  if (project.status !== "building" && (project.status !== "paused" || project.lease.owner === undefined))
    return project;
  const left = Date.parse(project.lease.expires_at ?? times.at) - Date.parse(times.at);
  if (left >= times.leaseMs * NEARLY_NEW && left <= times.leaseMs) return project;
  const expires_at = addMs(times.at, times.leaseMs);
  if (project.status === "paused") return { ...project, lease: { ...project.lease, expires_at } };
  return {
    ...project,
    lease: { ...project.lease, expires_at },
    work_due_at: addMs(expires_at, graceMs(times.leaseMs)),
  };
}

/**
 * The next revision, and what the item then weighs. Whoever writes under the guard of `unchanged` knows all of it,
 * and so corrects what control writes, which know nothing, have put too high.
 */
export function touched(next: Project, known: Project, at: string): Project {
  const written = { ...next, updated_at: at, revision: known.revision + 1, item_bytes: known.item_bytes };
  return { ...written, item_bytes: withOwnCount(itemBytes(written) - valueBytes(known.item_bytes)) };
}

/**
 * The guards that `known` is what the item still is, for a reader. Of a project that was deleted and made again under
 * its id the revision alone says nothing: it began anew.
 */
export function unchanged(known: Project): Guard[] {
  return [
    { path: ["created_at"], is: "equals", value: known.created_at },
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
