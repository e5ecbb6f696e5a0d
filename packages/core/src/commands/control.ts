import { StagefoldError } from "../errors.ts";
import type { DeletePatch, Guard, UpdatePatch } from "../patch/index.ts";
import { requireStatus } from "../project/require.ts";
import type { Project, ProjectStatus } from "../snapshot/schema.ts";
import { addMs } from "../snapshot/time.ts";
import { IMPORTED_VERSION } from "../snapshot/work-queue.ts";
import { graceMs } from "./claim.ts";
import {
  type Asker,
  type Control,
  controlPatch,
  inStatus,
  NOT_ASKED,
  NOT_DUE,
  NOT_HELD,
  NOT_OFFERED,
  offered,
  ownedBy,
  queueFor,
  sameRun,
  set,
} from "./control-patch.ts";

const PAUSABLE = ["queued", "building"] as const satisfies readonly ProjectStatus[];
const CANCELLABLE = [
  "pending",
  "queued",
  "building",
  "waiting",
  "paused",
] as const satisfies readonly ProjectStatus[];
const RESUMABLE = ["pending", "paused"] as const satisfies readonly ProjectStatus[];

/** queued or building → paused. A stage that runs may end; a stage that waits for its next attempt keeps its time. */
export function pause(known: Project, control: Control): UpdatePatch {
  requireStatus(known, PAUSABLE);
  return controlPatch(
    "pause",
    known,
    control,
    [inStatus(PAUSABLE)],
    // A due time that is left tells a resume of a wait that is not over.
    [set("status", "paused"), NOT_OFFERED],
  );
}

/** Anything not yet ended → cancelled. The token rises, so the lease owner has lost its lease. */
export function cancel(known: Project, control: Control): UpdatePatch {
  requireStatus(known, CANCELLABLE);
  return controlPatch(
    "cancel",
    known,
    control,
    [inStatus(CANCELLABLE)],
    [
      set("status", "cancelled"),
      set("completed_at", control.at),
      { op: "add", path: ["lease_token"], value: 1 },
      NOT_OFFERED,
      NOT_DUE,
      NOT_HELD,
      ...NOT_ASKED,
    ],
  );
}

/** paused → queued, or → building while the lease lives; pending → queued, offered for the first time. */
export function resume(known: Project, control: Control, leaseMs: number): UpdatePatch {
  requireStatus(known, RESUMABLE);
  requireStages(known);
  if (known.status === "pending") return queue(known, control);
  const { owner, expires_at } = known.lease;
  if (owner !== undefined && expires_at !== undefined && expires_at > control.at) {
    // The due time follows from the expiry: if a heartbeat moves it meanwhile, the resume is decided again.
    const held: Guard = { path: ["lease", "expires_at"], is: "equals", value: expires_at };
    return controlPatch(
      "resume",
      known,
      control,
      [inStatus(["paused"]), held, ...sameRun(known)],
      [
        set("status", "building"),
        set("work_queue", queueFor(known)),
        set("work_due_at", addMs(expires_at, graceMs(leaseMs))),
      ],
    );
  }
  const free: Guard = {
    any: [
      { path: ["lease", "owner"], is: "absent" },
      { path: ["lease", "expires_at"], is: "at_most", value: control.at },
    ],
  };
  return controlPatch(
    "resume",
    known,
    control,
    [inStatus(["paused"]), free, ...sameRun(known)],
    [...offered(known, owner === undefined ? laterOf(known.work_due_at, control.at) : control.at), NOT_HELD],
  );
}

function queue(known: Project, control: Control): UpdatePatch {
  // Only imports are pending. One that names a pipeline is for the workers that have it, whatever its version was.
  const imported = known.pipeline !== undefined && known.pipeline_version === undefined;
  const project = imported ? { ...known, pipeline_version: IMPORTED_VERSION } : known;
  return controlPatch(
    "queue",
    known,
    control,
    [inStatus(["pending"]), ...sameRun(known)],
    [
      ...offered(project, control.at),
      ...(imported ? [set("pipeline_version", IMPORTED_VERSION)] : []),
      NOT_HELD,
    ],
  );
}

function laterOf(time: string | undefined, at: string): string {
  return time !== undefined && time > at ? time : at;
}

/** One DeleteItem. Nothing comes back: every other write needs that the project is there. */
export function deleteProject(projectId: string, asker: Asker = {}): DeletePatch {
  return { kind: "delete", transition: "delete", project_id: projectId, guards: ownedBy(asker) };
}

/** Deletes a build that ended before a time, unless a retry has come first. */
export function deleteEnded(projectId: string, before: string): DeletePatch {
  const guards: Guard[] = [
    inStatus(["completed", "failed", "cancelled"]),
    { path: ["completed_at"], is: "at_most", value: before },
  ];
  return { kind: "delete", transition: "delete", project_id: projectId, guards };
}

function requireStages(project: Project): void {
  if (project.stages_snapshot.stages.length === 0)
    throw new StagefoldError("INVALID_INPUT", "The project has no stages: there is nothing to run.", {
      issues: ["project_id: expected a project with stages"],
    });
}
