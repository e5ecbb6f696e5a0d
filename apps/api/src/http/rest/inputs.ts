import { z } from "zod";
import type { Context } from "../../context.ts";
import { appRouter } from "../../routers/index.ts";

/** JSON Schema as far as it is looked at here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

const procedureSchema = z.looseObject({
  type: z.enum(["query", "mutation", "subscription"]),
  inputs: z.array(z.instanceof(z.ZodType)),
});

/** The kind of a procedure, and the schema of its input; it has one at the most. */
export function procedureOf(path: string) {
  const { type, inputs } = procedureSchema.parse(
    Reflect.get(Reflect.get(appRouter._def.procedures, path), "_def"),
  );
  return { type, input: inputs[0] };
}

/** A procedure, to be called for the principal of the context; the signal ends its stream. */
export function callerOf(
  context: Context,
  path: string,
  signal?: AbortSignal,
): (input: unknown) => Promise<unknown> {
  const caller = appRouter.createCaller(context, signal && { signal });
  const [group = "", name = ""] = path.split(".");
  const found: unknown = Reflect.get(Object(Reflect.get(caller, group)), name);
  if (typeof found !== "function") throw new Error(`expected a procedure ${path}`);
  return (input) => found(input);
}

const inputSchemas = new Map<string, JsonSchema>();

/** What a caller may send, as JSON Schema; without fields where there is no input. */
export function inputSchemaOf(path: string): JsonSchema {
  const known = inputSchemas.get(path);
  if (known) return known;
  const { input } = procedureOf(path);
  const { $schema: _, ...schema } = input
    ? z.toJSONSchema(input, { io: "input", unrepresentable: "any" })
    : { $schema: "", type: "object", properties: {} };
  inputSchemas.set(path, schema as JsonSchema);
  return schema as JsonSchema;
}

/** What an address has as text, as the type that its schema asks for; where it does not fit, as it is. */
export function fromText(text: string, schema: JsonSchema | undefined): unknown {
  const types = typesOf(schema);
  if ((types.includes("integer") || types.includes("number")) && /^-?\d+(\.\d+)?$/.test(text))
    return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}

export function isList(schema: JsonSchema | undefined): boolean {
  return typesOf(schema).includes("array");
}

function typesOf(schema: JsonSchema | undefined): readonly string[] {
  if (!schema) return [];
  const own = schema.type === undefined ? [] : [schema.type].flat();
  return [...own, ...(schema.anyOf ?? []).flatMap(typesOf)];
}
