import { applyEdits, type Edit, type Guard } from "../patch/index.ts";
import { itemBytes, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";

/**
 * The next revision, and what the item then weighs. A writer under the guard of `sameRevision` knows all of it,
 * and so corrects what commands, which write without it, may have counted wrongly.
 */
export function nextRevision(next: Project, known: Project, at: string): Project {
  const written = { ...next, updated_at: at, revision: known.revision + 1, item_bytes: known.item_bytes };
  return { ...written, item_bytes: withOwnCount(itemBytes(written) - valueBytes(known.item_bytes)) };
}

/**
 * The guards that `known` is what the item still is, for a reader. Of a project that was deleted and made again under
 * its id the revision alone says nothing: it began anew.
 */
export function sameRevision(known: Project): Guard[] {
  return [
    { path: ["created_at"], is: "equals", value: known.created_at },
    { path: ["revision"], is: "equals", value: known.revision },
    { path: ["status"], is: "equals", value: known.status },
  ];
}

/** What the item weighs after these edits, in bytes. */
export function weightAfter(known: Project, edits: readonly Edit[]): number {
  const after = applyEdits(known, edits);
  return withOwnCount(itemBytes(after) - valueBytes(after.item_bytes));
}
