import { difference, type Item, type PutPatch, type UpdatePatch } from "../patch/index.ts";
import { itemBytes, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";
import { touched, unchanged } from "./report.ts";
import { upgrade } from "./upgrade.ts";

/** A project of another table: one PutItem, on the condition that there is none of its id. */
export function importItem(projectId: string, item: Item): PutPatch {
  return { kind: "put", transition: "import", project_id: projectId, guards: [], item };
}

/** What rows of other tables add to a project. It holds only while the project is as it is known. */
export function mergeImport(known: Project, next: Project, at: string): UpdatePatch {
  return {
    kind: "update",
    transition: "merge_import",
    project_id: known.project_id,
    guards: unchanged(known),
    edits: difference(known, touched(next, known, at)),
  };
}

/** The same for an item of an older form, which the write replaces as a whole. */
export function upgradeWith(stored: Item, known: Project, next: Project | undefined, at: string) {
  return upgrade(stored, next ? touched(next, known, at) : weighed(known));
}

/** The project with what it weighs now. */
export function weighed(project: Project): Project {
  return {
    ...project,
    item_bytes: withOwnCount(itemBytes(project) - valueBytes(project.item_bytes)),
  };
}
