/** The caps of the item. Every size is in bytes of UTF-8. */
export const LIMITS = {
  /** A write that would take the item over this is refused; writes that end something move data out instead. */
  item: 256 * 1024,
  stages: 64,
  stageName: 256,
  requirement: 32 * 1024,
  /** Characters of the requirement that a list has. */
  requirementPreview: 200,
  projectName: 200,
  tags: 20,
  tag: 64,
  userId: 256,
  tailLines: 5,
  tail: 1024,
  error: 2048,
  inlineOutput: 16 * 1024,
  artifacts: 50,
  artifactEntries: 8 * 1024,
  artifactPath: 1024,
  /** Of the content of one artifact. */
  artifact: 64 * 1024 * 1024,
  metadata: 4 * 1024,
  question: 4 * 1024,
  /** Of a schema of answers, as JSON. */
  answerSchema: 8 * 1024,
  answer: 16 * 1024,
  /** Of a build's input as JSON, which commands get as one variable of their environment. */
  input: 96 * 1024,
  /** More of it is a document in the artifact store. */
  inlineInput: 16 * 1024,
  /** Notes of a stage: how many, bytes of one with its name, of all. */
  notes: 16,
  note: 1024,
  allNotes: 2048,
  /** Figures that a stage adds up. */
  metrics: 32,
  subStages: 64,
  /** Of all keys that the stages of a build say they need. */
  needs: 16 * 1024,
  history: 20,
  /** DynamoDB takes 32 levels of nesting; the snapshot's own levels leave this many to a stage's output. */
  outputDepth: 24,
} as const;

const encoder = new TextEncoder();

/** Length of `text` in bytes of UTF-8. */
export function utf8Bytes(text: string): number {
  // ASCII, the usual case, needs no encoding.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length;
  return text.length;
}

/** The longest prefix of `text` that fits `max` bytes of UTF-8, marked with an ellipsis when cut. */
export function truncateUtf8(text: string, max: number): string {
  if (utf8Bytes(text) <= max) return text;
  const bytes = encoder.encode(text);
  let end = max - 3;
  // Not between the bytes of one character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}

/** How a requirement begins, as far as a list shows and searches it. */
export function previewOf(requirement: string): string {
  // A character that is cut in two would be no text.
  return requirement.slice(0, LIMITS.requirementPreview).replace(/[\uD800-\uDBFF]$/, "");
}

/** Levels of nesting of a JSON value: 0 for a scalar, 1 for `{}`. Stops counting at `max + 1`. */
export function depthOf(value: unknown, max = 64): number {
  if (typeof value !== "object" || value === null) return 0;
  if (max <= 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, max - 1));
  return deepest + 1;
}

/**
 * What a value weighs in DynamoDB, in bytes: strings as UTF-8, numbers by their significant digits,
 * lists and maps 3 bytes and 1 for each element besides their contents.
 * Source: "DynamoDB item sizes and formats", Amazon DynamoDB Developer Guide.
 */
export function valueBytes(value: unknown): number {
  if (typeof value === "string") return utf8Bytes(value);
  if (typeof value === "number") return Math.ceil(digitsOf(value) / 2) + 2;
  if (typeof value !== "object" || value === null) return 1;
  if (value instanceof Uint8Array) return value.length;
  let bytes = 3;
  if (Array.isArray(value)) {
    for (const inner of value) bytes += 1 + elementBytes(inner);
    return bytes;
  }
  return bytes + fieldBytes(value, 1);
}

/** What the elements of lists weigh: stages above all, of which a write leaves most as they are. */
const weighed = new WeakMap<object, number>();

/** Values are never changed in their place: what was weighed once stays so. */
function elementBytes(element: unknown): number {
  if (typeof element !== "object" || element === null) return valueBytes(element);
  const known = weighed.get(element);
  if (known !== undefined) return known;
  const bytes = valueBytes(element);
  weighed.set(element, bytes);
  return bytes;
}

/** Names and values of a map, in bytes, and `each` besides for each field. */
function fieldBytes(map: object, each: number): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(map)) bytes += each + utf8Bytes(key) + valueBytes(value);
  return bytes;
}

function digitsOf(value: number): number {
  const text = String(value);
  // Whole numbers from 0, the usual case, have nothing to leave out.
  return Number.isSafeInteger(value) && value >= 0 ? text.length : text.replace(/[-.e+]/g, "").length;
}

/** What a whole item weighs: attribute names and values, in bytes. */
export function itemBytes(item: object): number {
  return fieldBytes(item, 0);
}

/** What an item weighs once it says so itself, given its weight without the value of `item_bytes`. */
export function withOwnCount(bytes: number): number {
  const counted = bytes + valueBytes(bytes);
  // The count may have one digit more than what it was counted with.
  return bytes + valueBytes(counted);
}
