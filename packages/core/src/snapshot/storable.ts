import { z } from "zod";
import { LIMITS } from "./limits.ts";

/** What DynamoDB can keep of a number. Source: "Supported data types", Amazon DynamoDB Developer Guide. */
const LARGEST = 9.99e125;
const SMALLEST = 1e-130;

/**
 * A JSON object that the item can keep: no deeper than the snapshot allows, numbers within DynamoDB's range,
 * no key that reaches into prototypes. Fields that are undefined are left out, as JSON does.
 */
export const jsonObjectSchema = z
  // Not z.record, which leaves a name `__proto__` out without a word.
  .custom<Record<string, unknown>>(isMap, "expected a JSON object")
  .transform((value, context) => {
    const problem = problemIn(value, "", LIMITS.outputDepth);
    if (problem === undefined) return clean(value);
    context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  });

/** A text as UTF-8 can keep it: half a surrogate pair, as a text cut in two has, becomes U+FFFD. */
export const wellFormedSchema = z.string().transform((text) => text.toWellFormed());

/** A number that stays within DynamoDB's range also when many are summed up. */
export const figureSchema = z
  .number()
  .refine(
    (value) => value === 0 || (Math.abs(value) >= 1e-100 && Math.abs(value) <= 1e100),
    "expected a number of at most 1e100 and at least 1e-100",
  );

function isMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problemIn(value: unknown, path: string, depthLeft: number): string | undefined {
  const at = path === "" ? "the object" : path;
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return undefined;
    case "number": {
      const size = Math.abs(value);
      if (value === 0 || (size >= SMALLEST && size <= LARGEST)) return undefined;
      return `${at}: expected a number of at most 9.99e125 and at least 1e-130, found ${value}`;
    }
    case "object": {
      if (value === null) return undefined;
      if (depthLeft === 0)
        return `${at.slice(0, 80)}…: expected at most ${LIMITS.outputDepth} levels of nesting`;
      const prototype: unknown = Object.getPrototypeOf(value);
      if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
        return `${at}: expected plain JSON, found an instance of ${value.constructor?.name ?? "a class"}`;
      // JSON would make null of it, which is another value.
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++)
          if (value[i] === undefined) return `${path}[${i}]: expected a JSON value, found undefined`;
      }
      for (const key of Object.keys(value)) {
        if (key === "__proto__") return `${at}: the name __proto__ is not allowed`;
        const problem = problemIn(
          Reflect.get(value, key),
          path === "" ? key : `${path}.${key}`,
          depthLeft - 1,
        );
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    default:
      return `${at}: expected JSON, found a ${typeof value}`;
  }
}

function clean(value: { [key: string]: unknown }): { [key: string]: unknown } {
  const text = JSON.stringify(value);
  const parsed: unknown = JSON.parse(text, (_key, inner: unknown) => wellFormed(inner));
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (Object.keys(value).every((key) => key.isWellFormed())) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), inner]));
}
