import {
  difference,
  type Edit,
  type Guard,
  type Item,
  type Path,
  type PutPatch,
  type UpdatePatch,
  valueAt,
} from "../patch/index.ts";
import { canonicalJson } from "../snapshot/ids.ts";
import { itemBytes, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";
import { nextRevision, sameRevision } from "./revision.ts";

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
    guards: sameRevision(known),
    edits: difference(known, nextRevision(next, known, at)),
  };
}

/** The same for an item of an older format, which the write replaces as a whole. */
export function upgradeWith(stored: Item, known: Project, next: Project | undefined, at: string) {
  return upgrade(stored, next ? nextRevision(next, known, at) : weighed(known));
}

/** The project with what it weighs now. */
export function weighed(project: Project): Project {
  return {
    ...project,
    item_bytes: withOwnCount(itemBytes(project) - valueBytes(project.item_bytes)),
  };
}

/** What fits DynamoDB's 4 KB of expression and 300 operators with room to spare: bytes of path, and conditions. */
const MAX_PATH_BYTES = 2500;
const MAX_GUARDS = 120;

/**
 * Replaces an item of an older format as a whole by what was read of it, if it has not changed meanwhile. Compared
 * are single values, the top-level ones first: not every engine compares maps.
 */
export function upgrade(stored: Item, read: Project): UpdatePatch {
  const now = new Map(Object.entries(read).filter(([, value]) => value !== undefined));
  const edits = [...now]
    .filter(([field, value]) => canonicalJson(value) !== canonicalJson(valueAt(stored, [field])))
    .map(([field, value]): Edit => ({ op: "set", path: [field], value }));
  // What was left out when it was read could not be read again either.
  const gone = Object.keys(stored).filter((field) => !now.has(field));
  return {
    kind: "update",
    transition: "upgrade",
    project_id: read.project_id,
    guards: withinLimits(unchangedValues(stored)),
    edits: [...edits, ...gone.map((field): Edit => ({ op: "remove", path: [field] }))],
  };
}

function withinLimits(guards: readonly Guard[]): Guard[] {
  let bytes = 0;
  const end = guards.findIndex((guard, i) => {
    bytes += 12 + ("path" in guard ? guard.path.length * 6 : 0);
    return i >= MAX_GUARDS || bytes > MAX_PATH_BYTES;
  });
  return end < 0 ? [...guards] : guards.slice(0, end);
}

/** DynamoDB keeps 38 digits. What was read of a longer number may not be what is stored, and would never equal it. */
function isExact(value: number): boolean {
  return value.toExponential().replace(/e.*$|\D/g, "").length <= 15;
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
    // Bytes and sets have no values of their own to compare.
    if (value instanceof Uint8Array || value instanceof Set) continue;
    if (typeof value === "number" && !isExact(value)) continue;
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
