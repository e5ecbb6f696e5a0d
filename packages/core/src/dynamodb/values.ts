import { NumberValue } from "@aws-sdk/lib-dynamodb";
import { StagefoldError } from "../errors.ts";
import { LongNumber } from "../snapshot/long-number.ts";

/**
 * A value that the SDK translates as it is meant. The SDK knows classes by the name of their constructor, which a JSON
 * map may have as a field, and it drops a field `__proto__` without a word.
 * Errors: INVALID_INPUT for such a field.
 */
export function toSdk(value: unknown): unknown {
  return isPlain(value) ? value : converted(value);
}

/** Whether the SDK takes the value as it is: nearly always. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (value instanceof LongNumber || value instanceof Set) return false;
  for (const key of Object.keys(value)) {
    if (key === "constructor" || key === "__proto__") return false;
    const inner: unknown = Reflect.get(value, key);
    if (typeof inner === "object" && !isPlain(inner)) return false;
  }
  return true;
}

function converted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (value instanceof LongNumber) return NumberValue.from(value.digits);
  if (value instanceof Set) return setOf([...value]);
  if (Array.isArray(value)) return value.map(converted);
  if (Object.hasOwn(value, "__proto__"))
    throw new StagefoldError("INVALID_INPUT", "A value has a field __proto__, which no store keeps.", {});
  return new Map(Object.entries(value).map(([key, inner]) => [key, converted(inner)]));
}

/** The SDK goes by the first number of a set: either all are its own, or none is. */
function setOf(values: readonly unknown[]): Set<unknown> {
  if (!values.some((value) => value instanceof LongNumber)) return new Set(values);
  return new Set(
    values.map((value) => NumberValue.from(value instanceof LongNumber ? value.digits : String(value))),
  );
}
