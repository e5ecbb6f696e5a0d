import { StagefoldError } from "../errors.ts";
import type { Edit, Guard, UpdatePatch } from "../patch/index.ts";
import type { Project, ProjectStatus } from "../snapshot/schema.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { weightAfter } from "./revision.ts";

/** Who asks for a control write. */
export interface Asker {
  /** As `control.by` keeps it, such as `user:ada` or `key:ci`. */
  readonly by?: string | undefined;
  /** The only user whose projects the asker may control; left out for one who may control all. */
  readonly owner?: string | undefined;
}

/** Control writes change top-level fields alone. `op` names this one, so that a repeat recognises itself. */
export interface Control extends Asker {
  readonly op: string;
  readonly at: string;
}

/** Errors: FORBIDDEN unless the item, as it is stored or read, is one that the asker may control. */
export function requireOwner(
  owned: { readonly user_id?: unknown },
  asker: Asker,
  what: "project" | "agent" | "session" | "invocation" | "schedule" = "project",
): void {
  if (isOwner(owned, asker)) return;
  const { user_id } = owned;
  const whose = typeof user_id === "string" ? user_id : "no user";
  throw new StagefoldError("FORBIDDEN", `The ${what} is ${whose}'s: a member controls their own alone.`, {});
}

/** Whether the asker may control what has this user. */
export function isOwner({ user_id }: { readonly user_id?: unknown }, { owner }: Asker): boolean {
  return owner === undefined || user_id === owner;
}

export const NOT_HELD: Edit = set("lease", { claims: 0 });
export const NOT_OFFERED: Edit = remove("work_queue");
export const NOT_DUE: Edit = remove("work_due_at");
export const NOT_ASKED: readonly Edit[] = [remove("waiting"), remove("answer")];

/** Of a project and a run of it the pipeline, the priority and, once ended, the stages are known for good. */
export function sameRun(known: Project): Guard[] {
  return [
    { path: ["created_at"], is: "equals", value: known.created_at },
    { path: ["run"], is: "equals", value: known.run },
  ];
}

export function offered(project: Project, at: string): Edit[] {
  return [set("status", "queued"), set("work_queue", queueFor(project)), set("work_due_at", at)];
}

export function queueFor(project: Project): string {
  return workQueueOf(poolOf(project), project.priority, project.project_id);
}

export function set(field: string, value: unknown): Edit {
  return { op: "set", path: [field], value };
}

export function remove(field: string): Edit {
  return { op: "remove", path: [field] };
}

export function inStatus(allowed: readonly ProjectStatus[]): Guard {
  return { path: ["status"], is: "one_of", values: allowed };
}

export function ownedBy({ owner }: Asker): Guard[] {
  return owner === undefined ? [] : [{ path: ["user_id"], is: "equals", value: owner }];
}

export function controlPatch(
  transition: UpdatePatch["transition"],
  known: Project,
  control: Control,
  guards: readonly Guard[],
  changes: readonly Edit[],
): UpdatePatch {
  const op = ["control", "op"];
  const edits: Edit[] = [
    ...changes,
    set("control", { op: control.op, at: control.at, ...(control.by !== undefined && { by: control.by }) }),
    set("updated_at", control.at),
    { op: "add", path: ["revision"], value: 1 },
  ];
  return {
    kind: "update",
    transition,
    project_id: known.project_id,
    guards: [
      ...guards,
      ...ownedBy(control),
      // The same operation never takes effect twice.
      {
        any: [
          { path: op, is: "absent" },
          { path: op, is: "differs", value: control.op },
        ],
      },
    ],
    edits: [...edits, ...growth(known, edits)],
  };
}

/** A lease owner that writes in between makes this inexact until the next write under a revision. */
function growth(known: Project, edits: readonly Edit[]): Edit[] {
  const value = weightAfter(known, edits) - known.item_bytes;
  return value === 0 ? [] : [{ op: "add", path: ["item_bytes"], value }];
}
