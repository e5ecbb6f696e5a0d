import type { Project, Stage } from "../snapshot/schema.ts";
import type { Edit, Path } from "./patch.ts";

/** More changed fields than this in a stage, and it is set whole: shorter than the list of its fields. */
const MAX_FIELDS = 12;
/** More changed stages than this, and the list is set whole: DynamoDB takes 4 KB of expression. */
const MAX_CHANGED_STAGES = 4;

/**
 * The edits that turn `before` into `after`. A writer may use them only under the guard that `before` still is
 * the item's revision, since values that changed are set whole.
 */
export function difference(before: Project, after: Project): Edit[] {
  const edits = fieldEdits([], before, after, ["stages_snapshot"]);
  const old = before.stages_snapshot;
  const now = after.stages_snapshot;
  if (old === now) return edits;
  edits.push(...fieldEdits(["stages_snapshot"], old, now, ["stages"]));
  // A stage that still ran when its build was cancelled is stored as running and reads as cancelled, until the write that
  // opens the stages of a retry. Where that write leaves it cancelled, the status must be written all the same.
  const opens = before.restart_from !== undefined && after.restart_from === undefined;
  const staysCancelled = (i: number) =>
    opens && old.stages[i]?.status === "cancelled" && now.stages[i]?.status === "cancelled";
  const changed = now.stages.flatMap((stage, i) =>
    stage === old.stages[i] && !staysCancelled(i) ? [] : [i],
  );
  if (now.stages.length !== old.stages.length || changed.length > MAX_CHANGED_STAGES)
    return [...edits, { op: "set", path: ["stages_snapshot", "stages"], value: now.stages }];
  for (const i of changed) edits.push(...stageEdits(i, old.stages[i], now.stages[i], staysCancelled(i)));
  return edits;
}

function stageEdits(
  position: number,
  before: Stage | undefined,
  after: Stage | undefined,
  withStatus: boolean,
): Edit[] {
  const path = ["stages_snapshot", "stages", position];
  const edits = before && after ? fieldEdits(path, before, after, []) : [];
  if (withStatus && after) edits.push({ op: "set", path: [...path, "status"], value: after.status });
  return edits.length > MAX_FIELDS ? [{ op: "set", path, value: after }] : edits;
}

function fieldEdits(path: Path, before: object, after: object, except: readonly string[]): Edit[] {
  const old = new Map(Object.entries(before));
  const now = new Map(Object.entries(after));
  const edits: Edit[] = [];
  for (const [field, value] of now)
    if (value !== undefined && !except.includes(field) && !same(old.get(field), value))
      edits.push({ op: "set", path: [...path, field], value });
  for (const [field, value] of old)
    if (value !== undefined && !except.includes(field) && now.get(field) === undefined)
      edits.push({ op: "remove", path: [...path, field] });
  return edits;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}
