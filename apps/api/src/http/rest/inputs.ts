import { z } from "zod";
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

/** What a caller may send, as JSON Schema; without fields where there is no input. */
export function inputSchemaOf(path: string): JsonSchema {
  const { input } = procedureOf(path);
  if (!input) return { type: "object", properties: {} };
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
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
