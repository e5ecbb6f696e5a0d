import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { LongNumber } from "../snapshot/long-number.ts";

/**
 * JSON values as DynamoDB wants them on the wire, without a detour: the SDK's own translation costs as much as all the
 * rest of a call. Fields that are undefined are left out. Throws an Error for what no item can have.
 */
export function toAttribute(value: unknown): object {
  switch (typeof value) {
    case "string":
      return { S: value };
    case "number":
      if (!Number.isFinite(value)) throw new Error(`expected a finite number, found ${value}`);
      return { N: String(value) };
    case "bigint":
      return { N: String(value) };
    case "boolean":
      return { BOOL: value };
    case "object":
      if (value === null) return { NULL: true };
      if (Array.isArray(value)) return { L: value.map((inner) => toAttribute(inner ?? null)) };
      if (value instanceof Uint8Array) return { B: Buffer.from(value).toString("base64") };
      if (value instanceof Set) return toSet([...value]);
      if (value instanceof LongNumber) return { N: value.digits };
      return { M: toAttributes(value) };
    default:
      throw new Error(`expected a JSON value, found a ${typeof value}`);
  }
}

/** A set of texts, numbers or bytes: only items of other programs have some. */
function toSet(values: readonly unknown[]): object {
  if (values.every((value) => typeof value === "string")) return { SS: values };
  if (values.every((value) => typeof value === "number" || value instanceof LongNumber))
    return { NS: values.map((value) => (value instanceof LongNumber ? value.digits : String(value))) };
  if (values.every((value) => value instanceof Uint8Array))
    return { BS: values.map((value) => Buffer.from(value).toString("base64")) };
  throw new Error("expected a set of texts, of numbers or of bytes, found a mixed one");
}

/** A map's fields, each as an attribute. */
export function toAttributes(map: object): Record<string, object> {
  const fields: Record<string, object> = {};
  for (const [name, value] of Object.entries(map))
    if (value !== undefined) setOwn(fields, name, toAttribute(value));
  return fields;
}

/** The fields of a map as it came over the wire. Throws an Error for what is none. */
export function fromAttributes(map: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(map)) setOwn(fields, name, fromAttribute(value));
  return fields;
}

function fromAttribute(attribute: Wire): unknown {
  if (attribute.S !== undefined) return attribute.S;
  // JSON numbers as they are: beyond 2^53 they lose digits, as they would in any JSON.
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.M !== undefined) return fromAttributes(attribute.M);
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  return fromRare(attribute);
}

/** What only items of other programs have: bytes and sets. */
function fromRare({ B, SS, NS, BS }: Wire): unknown {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
  const rare: AttributeValue | undefined =
    B !== undefined ? { B: bytes(B) } : SS ? { SS } : NS ? { NS } : BS ? { BS: BS.map(bytes) } : undefined;
  if (!rare) throw new Error("expected an attribute of a known type");
  return unmarshall({ rare }, { wrapNumbers: Number }).rare;
}

/** One attribute as JSON has it. */
interface Wire {
  readonly S?: string;
  readonly N?: string;
  readonly BOOL?: boolean;
  readonly NULL?: boolean;
  readonly M?: Record<string, Wire>;
  readonly L?: readonly Wire[];
  readonly B?: string;
  readonly SS?: string[];
  readonly NS?: string[];
  readonly BS?: string[];
}

/** `__proto__` is a name like any other in an item. */
function setOwn<T>(map: Record<string, T>, name: string, value: T): void {
  if (name === "__proto__")
    Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
  else map[name] = value;
}
