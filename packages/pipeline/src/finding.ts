import leven from "leven";
import type { z } from "zod";
import { gate as gateSchema, retry } from "./schema.ts";

/** One mistake of a definition, by its place in the value that was given. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly found: string;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A short rendering of any value for messages. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return `a map with ${Object.keys(value).slice(0, 5).join(", ") || "no fields"}`;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (Array.isArray(at) && typeof key === "number") at = at[key];
    else if (isRecord(at) && typeof key === "string") at = Object.hasOwn(at, key) ? at[key] : undefined;
    else return undefined;
  }
  return at;
}

/** A slip of the keyboard is at most so far from what was meant. */
const MAX_DISTANCE = 2;

export function meant(name: string, fields: readonly string[]): string | undefined {
  const near = fields.map((field) => ({ field, distance: leven(name.toLowerCase(), field) }));
  const [best] = near.sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= MAX_DISTANCE ? best.field : undefined;
}

export function unknownField(name: string, fields: readonly string[]): string {
  const field = meant(name, fields);
  return field === undefined ? "no such field" : `no such field; did you mean ${field}?`;
}

function describe(
  issue: z.core.$ZodIssue,
  fields: readonly string[],
): { path: (string | number)[]; expected: string } {
  const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  switch (issue.code) {
    case "unrecognized_keys": {
      const name = issue.keys[0] ?? "";
      const known =
        path.at(-1) === "retry"
          ? Object.keys(retry.shape)
          : path.at(-1) === "gate"
            ? Object.keys(gateSchema.shape)
            : fields;
      return { path: [...path, name], expected: unknownField(name, known) };
    }
    case "invalid_key":
      return { path, expected: issue.issues[0]?.message ?? issue.message };
    case "invalid_type":
      // A message of the schema's own says more.
      if (!issue.message.startsWith("Invalid input")) return { path, expected: issue.message };
      return { path, expected: `expected ${issue.expected === "record" ? "a map" : issue.expected}` };
    case "too_small":
      return { path, expected: `expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}` };
    case "too_big":
      return { path, expected: `expected ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}` };
    case "invalid_union":
      return describeUnion(issue, path);
    default:
      return { path, expected: issue.message };
  }
}

/** The only union is a text or texts by language: what is wrong inside the map says more than "invalid". */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: (string | number)[]) {
  const inner = issue.errors
    .flat()
    .find((candidate) => candidate.path.length > 0 || candidate.code === "custom");
  if (inner === undefined) return { path, expected: "expected a text, or texts by language" };
  const described = describe(inner, []);
  return { path: [...path, ...described.path], expected: described.expected };
}

export function firstFinding(
  error: z.ZodError,
  value: unknown,
  prefix: readonly (string | number)[],
  fields: readonly string[],
): Finding {
  const issue = error.issues[0];
  if (issue === undefined) return { path: prefix, expected: error.message, found: show(value) };
  const { path, expected } = describe(issue, fields);
  return { path: [...prefix, ...path], expected, found: show(valueAt(value, path)) };
}
