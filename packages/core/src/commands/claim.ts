import type { Edit, Guard, UpdatePatch } from "../patch/index.ts";
import { addMs } from "../snapshot/time.ts";
import { EXTERNAL_POOL } from "../snapshot/work-queue.ts";

/** How long after a lease's end others wait: five seconds, or a tenth of the lease if that is less. */
export function graceMs(leaseMs: number): number {
  return Math.min(5000, leaseMs / 10);
}

export interface ClaimIntent {
  readonly owner: string;
  readonly leaseMs: number;
  /** Names this claim, so that it is known again after a lost reply. */
  readonly claim_id?: string | undefined;
  /** The partition of the work index it was found in; left out, any project with stages of its own. */
  readonly work_queue?: string | undefined;
  /** The present lease owner, when it is proven to be gone: its lease need not run out then. */
  readonly from?: string | undefined;
  /** Takes work that is due by this time, in place of now: its due time is known to come from a clock that was ahead. */
  readonly due_by?: string | undefined;
}

/**
 * queued, building with its lease run out, or waiting beyond the gate's time-out → building under a new token. Needs to know
 * nothing of the project.
 */
export function claim(projectId: string, intent: ClaimIntent, at: string): UpdatePatch {
  const expires_at = addMs(at, intent.leaseMs);
  const queue: Guard =
    intent.work_queue === undefined
      ? { path: ["work_queue"], is: "begins_with", value: `${EXTERNAL_POOL}#` }
      : { path: ["work_queue"], is: "equals", value: intent.work_queue };
  return {
    kind: "update",
    transition: "claim",
    project_id: projectId,
    guards: [
      { path: ["status"], is: "one_of", values: ["queued", "building", "waiting"] },
      queue,
      ...COUNTABLE,
      ...(intent.from === undefined ? due(at, intent.due_by ?? at) : [heldBy(intent.from)]),
    ],
    edits: [
      set(["status"], "building"),
      { op: "add", path: ["lease_token"], value: 1 },
      set(["lease", "owner"], intent.owner),
      set(["lease", "expires_at"], expires_at),
      set(["lease", "unstarted"], true),
      ...(intent.claim_id === undefined ? [] : [set(["lease", "claim_id"], intent.claim_id)]),
      { op: "add", path: ["lease", "claims"], value: 1 },
      set(["work_due_at"], addMs(expires_at, graceMs(intent.leaseMs))),
      { op: "default", path: ["started_at"], value: at },
      set(["updated_at"], at),
      { op: "add", path: ["revision"], value: 1 },
    ],
  };
}

/** What the claim adds to is there and a number: an item that was edited by hand is refused, and no request fails. */
const COUNTABLE: readonly Guard[] = [
  { path: ["lease_token"], is: "more_than", value: -1 },
  { path: ["revision"], is: "more_than", value: -1 },
  { path: ["lease", "claims"], is: "more_than", value: -1 },
];

/** Its time has come, and, whatever the index says, no lease lives. */
function due(at: string, dueBy: string): Guard[] {
  return [
    { path: ["work_due_at"], is: "at_most", value: dueBy > at ? dueBy : at },
    {
      any: [
        { path: ["lease", "expires_at"], is: "absent" },
        { path: ["lease", "expires_at"], is: "at_most", value: at },
      ],
    },
  ];
}

function heldBy(owner: string): Guard {
  return { path: ["lease", "owner"], is: "equals", value: owner };
}

/** Renews the lease and nothing else: no reader sees it. `status` is the last one that the lease owner saw. */
export function heartbeat(
  projectId: string,
  lease: { readonly lease_token: number; readonly leaseMs: number; readonly status: "building" | "paused" },
  at: string,
): UpdatePatch {
  const expires_at = addMs(at, lease.leaseMs);
  const due = set(["work_due_at"], addMs(expires_at, graceMs(lease.leaseMs)));
  return {
    kind: "update",
    transition: "heartbeat",
    project_id: projectId,
    guards: [
      { path: ["lease_token"], is: "equals", value: lease.lease_token },
      { path: ["lease", "expires_at"], is: "less_than", value: expires_at },
      { path: ["status"], is: "equals", value: lease.status },
    ],
    // A paused project is not offered: it has no due time to move.
    edits: [set(["lease", "expires_at"], expires_at), ...(lease.status === "building" ? [due] : [])],
  };
}

function set(path: readonly string[], value: unknown): Edit {
  return { op: "set", path, value };
}
