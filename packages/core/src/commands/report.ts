import { invalidInput, StagefoldError } from "../errors.ts";
import { difference, type UpdatePatch } from "../patch/index.ts";
import type { Project } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { graceMs } from "./claim.ts";
import { nextRevision, sameRevision } from "./revision.ts";

/** What a lease owner needs to write: its fencing token, and a number above that of its last write. */
export interface LeaseKey {
  readonly lease_token: number;
  readonly lease_seq: number;
}

/**
 * One write of the lease owner: the difference between the project that it knows and the next one. The guards require
 * that nothing a reader can see has changed (`revision`), that the lease is this one, and that no later write came first.
 */
export function reportPatch(
  transition: "report" | "release",
  known: Project,
  next: Project,
  lease: LeaseKey,
  times: { readonly at: string; readonly leaseMs: number },
): UpdatePatch {
  requireLease(known, lease);
  const written = nextRevision(renewed({ ...next, lease_seq: lease.lease_seq }, times), known, times.at);
  return {
    kind: "update",
    transition,
    project_id: known.project_id,
    guards: [
      { path: ["lease_token"], is: "equals", value: lease.lease_token },
      { path: ["lease_seq"], is: "less_than", value: lease.lease_seq },
      { path: ["lease", "owner"], is: "exists" },
      ...sameRevision(known),
    ],
    edits: difference(known, written),
    postImage: written,
  };
}

/** Refuses a lease owner that is superseded, or a write that a later one of the same owner has overtaken. */
export function requireLease(known: Project, lease: LeaseKey): void {
  if (known.lease_token !== lease.lease_token || known.lease.owner === undefined)
    throw leaseLost(known.project_id);
  if (known.lease_seq < lease.lease_seq) {
    requireNearNumber(known, lease);
    return;
  }
  if (known.lease_seq === lease.lease_seq && known.lease.unstarted !== true)
    throw invalidInput(
      `lease_seq ${lease.lease_seq} was used for another report: give this one the next number.`,
      [`lease_seq: expected at least ${known.lease_seq + 1}, found ${lease.lease_seq}`],
    );
  throw new StagefoldError(
    "LEASE_LOST",
    `lease_seq ${lease.lease_seq} was used already: the last write of this lease had ${known.lease_seq}.`,
    { project_id: known.project_id },
  );
}

/** How far a number may be above the last one: a single far one would leave no higher number for later writes. */
const MAX_SEQ_STEP = 1_000_000;

function requireNearNumber(known: Project, lease: LeaseKey): void {
  const most = known.lease_seq + MAX_SEQ_STEP;
  if (Number.isSafeInteger(lease.lease_seq) && lease.lease_seq <= most) return;
  throw invalidInput(`lease_seq must be a whole number above the last one, which is ${known.lease_seq}.`, [
    `lease_seq: expected ${known.lease_seq + 1} to ${most}, found ${lease.lease_seq}`,
  ]);
}

/** The share of a lease that a write leaves as it is: renewing what is nearly new costs two units of the work index. */
const RENEW_THRESHOLD = 7 / 8;

/**
 * A write renews the lease while it is held, unless nearly all of it is left. A lease owner may trust three quarters of
 * a lease from any write of its own.
 */
function renewed(project: Project, times: { readonly at: string; readonly leaseMs: number }): Project {
  if (project.status !== "building" && (project.status !== "paused" || project.lease.owner === undefined))
    return project;
  const left = Date.parse(project.lease.expires_at ?? times.at) - Date.parse(times.at);
  if (left >= times.leaseMs * RENEW_THRESHOLD && left <= times.leaseMs) return project;
  const expires_at = addMs(times.at, times.leaseMs);
  if (project.status === "paused") return { ...project, lease: { ...project.lease, expires_at } };
  return {
    ...project,
    lease: { ...project.lease, expires_at },
    work_due_at: addMs(expires_at, graceMs(times.leaseMs)),
  };
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
