/** A JSON Schema, as pipelines and gates have them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One control of a form. `key` is its place in the value, such as `address.city`; empty for the value itself. */
export interface Field {
  readonly key: string;
  readonly path: readonly string[];
  readonly label: string;
  readonly hint: string | undefined;
  readonly required: boolean;
  readonly kind:
    | "text"
    | "long"
    | "number"
    | "integer"
    | "boolean"
    | "choice"
    | "choices"
    | "lines"
    | "json"
    | "group";
  /** Of a choice. */
  readonly options: readonly { readonly value: unknown; readonly label: string }[];
  /** Of a group. */
  readonly fields: readonly Field[];
  readonly initial: Entry;
  readonly min?: number;
  readonly max?: number;
  readonly maxLength?: number;
}

/** What a control holds: a text, whether it is on, or the numbers of the options that are. */
export type Entry = string | boolean | readonly string[];
export type Entries = Readonly<Record<string, Entry>>;

/** Why an entry is no value. */
export type Problem = "missing" | "number" | "integer" | "json" | "least" | "most";

export interface Reading {
  readonly value: unknown;
  readonly problems: Readonly<Record<string, Problem>>;
}

/** Longer texts than this get several lines. */
const LINE = 120;
/** Deeper than this a value is written as JSON. */
const LEVELS = 3;

/** The controls of a schema. What no control can show is written as JSON. */
export function fieldsOf(schema: JsonSchema, initial?: unknown): readonly Field[] {
  const root = fieldOf(schema, [], true, initial ?? schema.default, 0);
  return root.kind === "group" ? root.fields : [root];
}

export function entriesOf(fields: readonly Field[]): Entries {
  return Object.fromEntries(everyField(fields).map(({ key, initial }) => [key, initial]));
}

/** The value that the entries stand for, and what is wrong with them. What was left empty is left out. */
export function readEntries(fields: readonly Field[], entries: Entries): Reading {
  const problems: Record<string, Problem> = {};
  const [only] = fields;
  if (fields.length === 1 && only?.path.length === 0)
    return { value: read(only, entries, problems), problems };
  return { value: readGroup(fields, entries, problems) ?? {}, problems };
}

function fieldOf(
  schema: JsonSchema,
  path: readonly string[],
  required: boolean,
  initial: unknown,
  level: number,
): Field {
  const name = path.at(-1) ?? "";
  const base = {
    key: path.join("."),
    path,
    label: text(schema.title) ?? name.replaceAll("_", " "),
    hint: text(schema.description),
    required,
    options: [],
    fields: [],
    initial: initial === undefined ? "" : String(initial),
    ...(typeof schema.minimum === "number" && { min: schema.minimum }),
    ...(typeof schema.maximum === "number" && { max: schema.maximum }),
    ...(typeof schema.maxLength === "number" && { maxLength: schema.maxLength }),
  };
  const options = optionsOf(schema);
  if (options) {
    const at = options.findIndex(({ value }) => JSON.stringify(value) === JSON.stringify(initial));
    return { ...base, kind: "choice", options, initial: at < 0 ? "" : String(at) };
  }
  switch (schema.type) {
    case "string": {
      const long = schema.format === "textarea" || Number(schema.maxLength ?? 0) > LINE;
      return { ...base, kind: long ? "long" : "text" };
    }
    case "number":
    case "integer":
      return { ...base, kind: schema.type };
    case "boolean":
      return { ...base, kind: "boolean", initial: initial === true };
    case "array":
      return arrayField(schema, base, initial);
    case "object":
      if (isSchema(schema.properties) && level < LEVELS) {
        const needed = Array.isArray(schema.required) ? schema.required : [];
        const fields = Object.entries(schema.properties).flatMap(([key, inner]) =>
          isSchema(inner)
            ? [
                fieldOf(
                  inner,
                  [...path, key],
                  required && needed.includes(key),
                  valueIn(initial, key) ?? inner.default,
                  level + 1,
                ),
              ]
            : [],
        );
        return { ...base, kind: "group", fields };
      }
  }
  return { ...base, kind: "json", initial: initial === undefined ? "" : JSON.stringify(initial, null, 2) };
}

function arrayField(schema: JsonSchema, base: Omit<Field, "kind">, initial: unknown): Field {
  const items = isSchema(schema.items) ? schema.items : {};
  const given: unknown[] = Array.isArray(initial) ? initial : [];
  const options = optionsOf(items);
  if (options) {
    const on = options.flatMap(({ value }, i) => (given.includes(value) ? [String(i)] : []));
    return { ...base, kind: "choices", options, initial: on };
  }
  if (items.type === "string") return { ...base, kind: "lines", initial: given.join("\n") };
  return { ...base, kind: "json", initial: initial === undefined ? "" : JSON.stringify(initial, null, 2) };
}

/** `enum`, or `anyOf` and `oneOf` of constants with titles. */
function optionsOf(schema: JsonSchema): Field["options"] | undefined {
  if (Array.isArray(schema.enum))
    return schema.enum.map((value: unknown) => ({
      value,
      label: typeof value === "string" ? value : JSON.stringify(value),
    }));
  const several = schema.oneOf ?? schema.anyOf;
  if (!Array.isArray(several) || several.length === 0) return undefined;
  const constants = several.filter((one): one is JsonSchema => isSchema(one) && "const" in one);
  if (constants.length < several.length) return undefined;
  return constants.map((one) => ({
    value: one.const,
    label: text(one.title) ?? (typeof one.const === "string" ? one.const : JSON.stringify(one.const)),
  }));
}

function everyField(fields: readonly Field[]): Field[] {
  return fields.flatMap((field) => (field.kind === "group" ? everyField(field.fields) : [field]));
}

function readGroup(
  fields: readonly Field[],
  entries: Entries,
  problems: Record<string, Problem>,
): object | undefined {
  const values = fields.flatMap((field) => {
    const value = read(field, entries, problems);
    return value === undefined ? [] : [[field.path.at(-1) ?? "", value]];
  });
  return values.length > 0 ? Object.fromEntries(values) : undefined;
}

function read(field: Field, entries: Entries, problems: Record<string, Problem>): unknown {
  const { key, kind, required, options } = field;
  if (kind === "group") return readGroup(field.fields, entries, problems) ?? (required ? {} : undefined);
  const entry = entries[key] ?? field.initial;
  if (typeof entry === "boolean") return entry;
  if (typeof entry !== "string")
    return required || entry.length > 0 ? entry.map((i) => options[Number(i)]?.value) : undefined;
  const typed = kind === "long" || kind === "json" ? entry : entry.trim();
  if (typed.trim() === "") {
    if (required) problems[key] = "missing";
    return undefined;
  }
  const [value, problem] = typedValue(field, typed);
  if (problem !== undefined) problems[key] = problem;
  return value;
}

function typedValue({ kind, options, min, max }: Field, typed: string): [value: unknown, problem?: Problem] {
  switch (kind) {
    case "choice":
      return [options[Number(typed)]?.value];
    case "lines":
      return [
        typed
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== ""),
      ];
    case "number":
    case "integer": {
      const value = Number(typed);
      if (!Number.isFinite(value)) return [undefined, "number"];
      if (kind === "integer" && !Number.isSafeInteger(value)) return [undefined, "integer"];
      if (min !== undefined && value < min) return [value, "least"];
      return max !== undefined && value > max ? [value, "most"] : [value];
    }
    case "json":
      try {
        return [JSON.parse(typed)];
      } catch (error) {
        if (error instanceof SyntaxError) return [undefined, "json"];
        throw error;
      }
    default:
      return [typed];
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueIn(value: unknown, key: string): unknown {
  return isSchema(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
