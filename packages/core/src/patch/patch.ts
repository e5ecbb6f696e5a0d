import type { Project } from "../snapshot/schema.ts";

/**
 * A patch is one allowed change of a project, as data: what must be true (guards) and what then changes (edits).
 * It has two interpreters: `apply` in memory, and `toUpdateItem` for DynamoDB. Nothing else changes a project.
 */

/** Where in the item: attribute names and list positions, from the top. */
export type Path = readonly (string | number)[];
export type Scalar = string | number | boolean;
/** The item as it is stored: JSON values. */
export type Item = { readonly [field: string]: unknown };

export type Guard =
  | { readonly path: Path; readonly is: "exists" | "absent" }
  | { readonly path: Path; readonly is: "equals"; readonly value: Scalar }
  /** False where the value is missing. */
  | { readonly path: Path; readonly is: "differs"; readonly value: Scalar }
  | { readonly path: Path; readonly is: "one_of"; readonly values: readonly Scalar[] }
  | {
      readonly path: Path;
      readonly is: "less_than" | "at_most" | "more_than";
      readonly value: number | string;
    }
  | { readonly path: Path; readonly is: "begins_with"; readonly value: string }
  | { readonly any: readonly Guard[] };

export type Edit =
  /** The parent must be there. Never a list position itself beyond the end. */
  | { readonly op: "set"; readonly path: Path; readonly value: unknown }
  /** Sets what is missing, leaves what is there. */
  | { readonly op: "default"; readonly path: Path; readonly value: unknown }
  /** Adds to a number; a missing one counts as 0. */
  | { readonly op: "add"; readonly path: Path; readonly value: number }
  /** A map's field; never a list element, the list is set whole instead. */
  | { readonly op: "remove"; readonly path: Path };

interface PatchBase {
  /** Which transition this is, for logs and counters. */
  readonly transition: TransitionName;
  readonly project_id: string;
  readonly guards: readonly Guard[];
}

export type PutPatch = PatchBase & { readonly kind: "put"; readonly item: Item };
export type UpdatePatch = PatchBase & {
  readonly kind: "update";
  readonly edits: readonly Edit[];
  /**
   * The project after it, where the guards leave no doubt of it. A store may answer with this instead of having the
   * whole item sent back, which costs it, the wire and the reader more than the write itself.
   */
  readonly postImage?: Project;
};
export type DeletePatch = PatchBase & { readonly kind: "delete" };
/**
 * `put` needs that no such project exists, the others that it does, and an update that the item has the current version:
 * none of it has to be said as a guard.
 */
export type Patch = PutPatch | UpdatePatch | DeletePatch;

/** The key of an item of the records table. */
export interface RecordKey {
  readonly pk: string;
  readonly sk: string;
}

/** One allowed change of an item of the records table. The item of a put has its own `pk` and `sk`. */
export type RecordPatch = RecordKey & { readonly guards: readonly Guard[] } & (
    | { readonly kind: "put"; readonly item: Item }
    | { readonly kind: "update"; readonly edits: readonly Edit[] }
    | { readonly kind: "delete" }
  );

export type TransitionName =
  | "create"
  | "queue"
  | "claim"
  | "heartbeat"
  | "report"
  | "release"
  | "record_artifacts"
  | "remove_artifacts"
  | "pause"
  | "resume"
  | "cancel"
  | "retry"
  | "answer"
  | "delete"
  | "import"
  | "merge_import"
  | "upgrade";

/** What every update needs of the item besides its guards. `upgrade` is what brings an older item to the current version. */
export function guardsOf(patch: Patch | RecordPatch): readonly Guard[] {
  return patch.kind === "update" && "transition" in patch && patch.transition !== "upgrade"
    ? [...CURRENT_VERSION, ...patch.guards]
    : patch.guards;
}

const CURRENT_VERSION: readonly Guard[] = [
  { path: ["schema_version"], is: "equals", value: 1 },
  { path: ["stages_snapshot", "stages"], is: "exists" },
];
