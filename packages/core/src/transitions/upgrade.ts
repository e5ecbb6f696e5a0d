import type { Edit, Guard, Item, Path, UpdatePatch } from "../patch/index.ts";
import type { Project } from "../snapshot/schema.ts";

/** As many conditions as fit DynamoDB's 4 KB of expression with room to spare. */
const GUARDS_AT_MOST = 90;

/**
 * Replaces an item of an older form as a whole by what was read of it, if nobody changed it meanwhile. Compared
 * are single values, the top-level ones first: not every engine compares maps.
 */
export function upgrade(stored: Item, read: Project): UpdatePatch {
  const edits = Object.entries(read)
    .filter(([field, value]) => field !== "project_id" && value !== undefined)
    .map(([field, value]): Edit => ({ op: "set", path: [field], value }));
  const gone = ["work_queue", "work_due_at"].filter(
    (field) => Object.hasOwn(stored, field) && !Object.hasOwn(read, field),
  );
  return {
    kind: "update",
    transition: "upgrade",
    project_id: read.project_id,
    guards: unchangedValues(stored).slice(0, GUARDS_AT_MOST),
    edits: [...edits, ...gone.map((field): Edit => ({ op: "remove", path: [field] }))],
  };
}

function unchangedValues(stored: Item): Guard[] {
  const level: { path: Path; value: unknown }[] = Object.entries(stored).map(([field, value]) => ({
    path: [field],
    value,
  }));
  const guards: Guard[] = [];
  if (!Object.hasOwn(stored, "schema_version")) guards.push({ path: ["schema_version"], is: "absent" });
  if (!Object.hasOwn(stored, "stages_snapshot")) guards.push({ path: ["stages_snapshot"], is: "absent" });
  // Breadth first: a change of a status or a time is found before one deep inside.
  for (const { path, value } of level) {
    if (path[0] === "project_id") continue;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      guards.push({ path, is: "equals", value });
    else if (typeof value === "object" && value !== null)
      level.push(
        ...Object.entries(value).map(([key, inner]) => ({
          path: [...path, Array.isArray(value) ? Number(key) : key],
          value: inner,
        })),
      );
  }
  return guards;
}
