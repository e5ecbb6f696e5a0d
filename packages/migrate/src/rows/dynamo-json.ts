import { marshall } from "@aws-sdk/util-dynamodb";
import { type Item, LongNumber } from "@stagefold/core";

/** A line that is no row: the sentence says what was expected and what was found. */
export class UnreadableRow extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "UnreadableRow";
  }
}

/**
 * One line of an export: `{"Item": {…}}` or the item alone, in DynamoDB JSON (`{"S": "text"}`) or plain.
 * Errors: UnreadableRow.
 */
export function parseLine(text: string): Item {
  return itemOf(text, numberOf);
}

/** The same for an item that is written as it is: numbers keep all their digits. Errors: UnreadableRow. */
export function parseExactly(text: string): Item {
  return itemOf(text, exactNumberOf);
}

type NumberOf = (digits: unknown) => unknown;

function itemOf(text: string, number: NumberOf): Item {
  const value = parseJson(text);
  if (!isMap(value)) throw new UnreadableRow(`expected a JSON object, found ${kindOf(value)}`);
  const item = isMap(value.Item) && Object.keys(value).length === 1 ? value.Item : value;
  return isDynamoJson(item) ? mapOf(item, number) : item;
}

/** The same line again: an item as DynamoDB exports it. */
export function formatLine(item: Item): string {
  return JSON.stringify({ Item: marshalled(item) });
}

/** An item as DynamoDB JSON, bytes as base64. */
export function marshalled(item: Item): { [field: string]: unknown } {
  const typed = marshall(item, {
    removeUndefinedValues: true,
    allowImpreciseNumbers: true,
    convertClassInstanceToMap: true,
  });
  const text = JSON.stringify(typed, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  );
  const parsed: unknown = JSON.parse(text);
  return isMap(parsed) ? parsed : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableRow(`it is not JSON (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}

type Json = { readonly [field: string]: unknown };

export function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Set);
}

const TYPES = new Set(["S", "N", "BOOL", "NULL", "M", "L", "SS", "NS", "B", "BS"]);

/** Whether every field says its type: plain JSON of that look (`{"status": {"S": "x"}}`) is not a row of anything. */
function isDynamoJson(item: Json): boolean {
  const fields = Object.values(item);
  return fields.length > 0 && fields.every((field) => isMap(field) && TYPES.has(Object.keys(field)[0] ?? ""));
}

// Not the SDK's own translation, which takes what came over the wire: here bytes are base64, and anything may be wrong.
function nativeOf(typed: unknown, number: NumberOf): unknown {
  const [type, value] = isMap(typed) ? (Object.entries(typed)[0] ?? []) : [];
  switch (type) {
    case "S":
      return textOf(value);
    case "N":
      return number(value);
    case "BOOL":
      if (typeof value === "boolean") return value;
      break;
    case "NULL":
      return null;
    case "M":
      if (isMap(value)) return mapOf(value, number);
      break;
    case "L":
      return listOf(value).map((one) => nativeOf(one, number));
    case "SS":
      return new Set(listOf(value).map(textOf));
    case "NS":
      return new Set(listOf(value).map(number));
    case "B":
      return new Uint8Array(Buffer.from(textOf(value), "base64"));
    case "BS":
      return new Set(listOf(value).map((one) => new Uint8Array(Buffer.from(textOf(one), "base64"))));
  }
  throw new UnreadableRow(`expected a value of DynamoDB JSON, found ${JSON.stringify(typed)?.slice(0, 80)}`);
}

function mapOf(typed: Json, number: NumberOf): Json {
  return Object.fromEntries(Object.entries(typed).map(([field, value]) => [field, nativeOf(value, number)]));
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new UnreadableRow(`expected a list, found ${kindOf(value)}`);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new UnreadableRow(`expected a text, found ${kindOf(value)}`);
}

function numberOf(value: unknown): number {
  const number = typeof value === "string" && value !== "" ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw new UnreadableRow(`expected the digits of a number, found ${JSON.stringify(value)?.slice(0, 40)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** Up to 15 digits a number of JavaScript is exact. */
function exactNumberOf(value: unknown): number | LongNumber {
  const number = numberOf(value);
  const digits = String(value);
  const significant = digits.replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "");
  return significant.length > 15 && digits !== String(number) ? new LongNumber(digits) : number;
}
