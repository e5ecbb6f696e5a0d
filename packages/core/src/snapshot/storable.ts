import { z } from "zod";
import { LIMITS, truncateUtf8, utf8Bytes } from "./limits.ts";

/**
 * The one place that decides which texts and numbers are stored. What a person or a program can correct is refused with
 * what was expected; what a stage says (errors, log lines) is made storable.
 */

/** Sums of many stay within DynamoDB's 1e125. */
const LARGEST = 1e100;
/** Beyond 2^53 an integer with more digits, such as one of 64 bits, has lost some of them already. */
const MAX_DIGITS = 15;
/** DynamoDB keeps nothing nearer to 0 than 1e-130. */
const SMALLEST = 1e-100;

/** A text that every store keeps: half a surrogate pair and NUL become U+FFFD. At most `maxBytes` of UTF-8, whole characters. */
export function storableText(text: string, maxBytes = Number.POSITIVE_INFINITY): string {
  return truncateUtf8(text.toWellFormed().replaceAll("\0", "\uFFFD"), maxBytes);
}

export const storableTextSchema = z.string().transform((text) => storableText(text));

/** Something that people can see: not blanks, control and formatting characters alone. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A text that its writer can correct: at most `max` bytes of UTF-8, refused where it cannot be stored as it is. */
export function textSchema(max: number, min = 0) {
  return z
    .string()
    .min(min)
    .refine((text) => text.isWellFormed(), "expected well-formed Unicode")
    .refine((text) => !text.includes("\0"), "expected text without NUL")
    .refine((text) => min === 0 || VISIBLE.test(text), "expected some visible text")
    .refine((text) => utf8Bytes(text) <= max, `expected at most ${max} bytes of UTF-8`);
}

function isStorable(value: number): boolean {
  const size = Math.abs(value);
  if (value === 0) return true;
  if (!(size >= SMALLEST && size <= LARGEST)) return false;
  return size <= Number.MAX_SAFE_INTEGER || digitsOf(size) <= MAX_DIGITS;
}

function digitsOf(value: number): number {
  return value.toExponential().replace(/e.*$|\D/g, "").length;
}

const NUMBERS = `expected 0, or a number from ${SMALLEST} to ${LARGEST} that keeps its digits (give integers beyond 2^53 as text)`;

/** A number as it is stored: never `-0`, and none that loses digits or that DynamoDB refuses. */
export const figureSchema = z
  .number()
  .refine(isStorable, NUMBERS)
  .transform((value) => (value === 0 ? 0 : value));

/**
 * A JSON object that the item can keep: no deeper than the snapshot allows, numbers that keep their digits,
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

const collator = new Intl.Collator("en", { numeric: true });

function naturally(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * The value with the fields of all its maps in one order, `topic_2` before `topic_10`: DynamoDB keeps no order, and a
 * reader must not see another one with each read.
 */
export function inNaturalOrder<T>(value: T): T;
export function inNaturalOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((inner: unknown) => inNaturalOrder(inner));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  const fields = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name,
    inNaturalOrder(inner),
  ]);
  const ordered = fields.toSorted(([a], [b]) => naturally(a, b));
  const isSame = ordered.every(
    (field, i) => field === fields[i] && field[1] === Reflect.get(value, field[0]),
  );
  return isSame ? value : Object.fromEntries(ordered);
}

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
    case "number":
      return isStorable(value) ? undefined : `${at}: ${NUMBERS}, found ${value}`;
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
  const parsed: unknown = JSON.parse(text, (_key, inner: unknown) => storable(inner));
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}

function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (Object.keys(value).every((key) => key === storableText(key))) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), inner]));
}
