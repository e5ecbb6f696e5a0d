import type { Item } from "@stagefold/core";
import { isMap } from "./dynamo-json.ts";

/** Fields of older rows, whatever type they have: one of another type is as if it were not there. */

export function textField(item: Item, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = item[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

export function countField(item: Item, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = item[name];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER)
      return value;
  }
  return undefined;
}

/** A map; the first generation stored it as JSON text. */
export function mapField(item: Item, name: string): Item | undefined {
  const value = fromJsonText(item[name]);
  return isMap(value) && !(value instanceof Uint8Array) ? value : undefined;
}

/** The texts of a list; the first generation stored it as JSON text. */
export function textsField(item: Item, name: string): string[] {
  const value = fromJsonText(item[name]);
  const list: unknown[] = Array.isArray(value) || value instanceof Set ? [...value] : [];
  return list.flatMap((one) => (typeof one === "string" && one !== "" ? [one.toWellFormed()] : []));
}

function fromJsonText(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch (error) {
    if (error instanceof SyntaxError) return value;
    throw error;
  }
}
