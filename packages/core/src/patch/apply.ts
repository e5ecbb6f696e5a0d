import {
  type Edit,
  type Guard,
  guardsOf,
  type Item,
  type Patch,
  type Path,
  type RecordPatch,
} from "./patch.ts";

/** `refused` names the first guard that does not hold; nothing has changed then. */
export type Applied =
  | { readonly ok: true; readonly item: Item | undefined }
  | { readonly ok: false; readonly refused: Guard | "exists" | "absent" };

/** The meaning of a patch: the item after it, or the guard that refuses it. Never changes `item` itself. */
export function apply(item: Item | undefined, patch: Patch | RecordPatch): Applied {
  if (patch.kind === "put" ? item !== undefined : item === undefined)
    return { ok: false, refused: patch.kind === "put" ? "absent" : "exists" };
  const refused = guardsOf(patch).find((guard) => !holds(item, guard));
  if (refused) return { ok: false, refused };
  switch (patch.kind) {
    case "put":
      return { ok: true, item: patch.item };
    case "delete":
      return { ok: true, item: undefined };
    case "update":
      return { ok: true, item: applyEdits(item ?? {}, patch.edits) };
    default:
      return patch satisfies never;
  }
}

/** The item after these edits. As in DynamoDB, every edit sees the item as it was before all of them. */
export function applyEdits(item: Item, edits: readonly Edit[]): Item {
  return edits.reduce((next, edit) => edited(next, edit, item), item);
}

/** The value at `path`, or undefined. Never reaches into prototypes. */
export function valueAt(value: unknown, path: Path): unknown {
  let here: unknown = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    // A list has positions alone, a map names.
    if (Array.isArray(here) !== (typeof step === "number")) return undefined;
    here = Reflect.get(here, step);
  }
  return here;
}

/** Whether a guard holds for an item. Values of different types are never equal and never in order. */
export function holds(item: Item | undefined, guard: Guard): boolean {
  if ("any" in guard) return guard.any.some((inner) => holds(item, inner));
  const value = valueAt(item, guard.path);
  switch (guard.is) {
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "equals":
      return value === guard.value;
    case "differs":
      return value !== undefined && value !== guard.value;
    case "one_of":
      return guard.values.some((one) => one === value);
    case "begins_with":
      return typeof value === "string" && value.startsWith(guard.value);
    case "less_than":
    case "at_most":
    case "more_than": {
      const order = compare(value, guard.value);
      if (order === undefined) return false;
      return guard.is === "less_than" ? order < 0 : guard.is === "at_most" ? order <= 0 : order > 0;
    }
    default:
      return guard satisfies never;
  }
}

function compare(left: unknown, right: number | string): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  return undefined;
}

/** In the order of their UTF-8, as DynamoDB has it: UTF-16 puts characters beyond U+FFFF before some others. */
export function compareText(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const at = a.findIndex((char, i) => char !== b[i]);
  if (at < 0) return a.length - b.length;
  return (a[at]?.codePointAt(0) ?? -1) - (b[at]?.codePointAt(0) ?? -1);
}

function edited(item: Item, edit: Edit, before: Item): Item {
  switch (edit.op) {
    case "set":
      return withValue(item, edit.path, edit.value);
    case "default":
      return valueAt(before, edit.path) === undefined ? withValue(item, edit.path, edit.value) : item;
    case "add": {
      const current = valueAt(before, edit.path) ?? 0;
      if (typeof current !== "number")
        throw new TypeError(`cannot add to ${edit.path.join(".")}: not a number`);
      return withValue(item, edit.path, current + edit.value);
    }
    case "remove":
      return withValue(item, edit.path, undefined);
    default:
      return edit satisfies never;
  }
}

/** A copy of `item` with `value` at `path`; undefined removes. The parent must be there, as in DynamoDB. */
function withValue(item: Item, path: Path, value: unknown): Item {
  const changed = withValueIn(item, path, value, path);
  if (!isMap(changed)) throw new TypeError("an item is a map");
  return changed;
}

function withValueIn(here: unknown, path: Path, value: unknown, whole: Path): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const missing = () => new TypeError(`no parent for ${whole.join(".")}`);
  if (Array.isArray(here)) {
    if (typeof step !== "number" || step >= here.length) throw missing();
    if (rest.length === 0 && value === undefined) throw new TypeError("a list element cannot be removed");
    return here.with(step, withValueIn(here[step], rest, value, whole));
  }
  if (!isMap(here) || typeof step !== "string") throw missing();
  if (rest.length === 0 && value === undefined) {
    const { [step]: _gone, ...others } = here;
    return others;
  }
  return {
    ...here,
    [step]: withValueIn(Object.hasOwn(here, step) ? here[step] : undefined, rest, value, whole),
  };
}

function isMap(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
