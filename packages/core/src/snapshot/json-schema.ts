import { z } from "zod";
import { invalidInput, StagefoldError } from "../errors.ts";
import { parseInput } from "./inputs.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { onTimeoutSchema } from "./schema.ts";
import { figureSchema, jsonObjectSchema, storableTextSchema, textSchema } from "./storable.ts";
import { withinTime } from "./within-time.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

/** What is wrong with a JSON Schema; undefined when values can be checked against it. */
export function schemaProblem(schema: JsonSchema): string | undefined {
  try {
    return withinTime(() => z.fromJSONSchema(schema)) ? undefined : "one that is read within a second";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A JSON Schema of answers, within its cap. */
export const answerSchemaSchema = jsonObjectSchema.superRefine((schema, context) => {
  const bytes = utf8Bytes(JSON.stringify(schema));
  const problem =
    bytes > LIMITS.answerSchema
      ? `expected at most ${LIMITS.answerSchema} bytes, found ${bytes}`
      : schemaProblem(schema);
  if (problem !== undefined)
    context.addIssue({ code: "custom", message: `expected a JSON Schema: ${problem}` });
});

/** The value of an answer as it is stored. Errors: INVALID_INPUT, PAYLOAD_TOO_LARGE. */
export function checkedAnswer(value: unknown, schema: JsonSchema | undefined): unknown {
  const stored = jsonObjectSchema.safeParse({ value });
  if (!stored.success || value === undefined) {
    const issue = stored.success ? "expected a value" : (stored.error.issues[0]?.message ?? "expected JSON");
    throw invalidInput(`The answer cannot be stored: ${issue}.`, [`value: ${issue}`]);
  }
  const bytes = utf8Bytes(JSON.stringify(stored.data));
  if (bytes > LIMITS.answer)
    throw new StagefoldError("PAYLOAD_TOO_LARGE", `An answer may have ${LIMITS.answer} bytes.`, {
      limit: LIMITS.answer,
    });
  return schema === undefined ? stored.data.value : fitting(schema, stored.data.value, "value", "answer");
}

/** The input of a build with the defaults that its schema has. Errors: INVALID_INPUT, which names each field at fault. */
export function checkedInput(
  value: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
): Record<string, unknown> {
  const given = fitting(schema, value, "input", "input");
  return parseInput(jsonObjectSchema, given, "The input");
}

/** The value with the defaults that its schema has. Errors: INVALID_INPUT, which names each field at fault. */
function fitting(schema: JsonSchema, value: unknown, name: string, what: string): unknown {
  const parsed = withinTime(() => z.fromJSONSchema(schema).safeParse(value));
  if (!parsed) {
    const issue = `${name}: expected a value that can be held against its schema within a second`;
    throw invalidInput(
      `The ${what} cannot be held against its schema: a pattern or a reference of it takes too long for this value.`,
      [issue],
    );
  }
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${[name, ...path].join(".")}: ${message}`);
  throw invalidInput(`The ${what} does not fit its schema: ${issues.slice(0, 5).join("; ")}.`, issues);
}

/** What a gate asks. */
export const askSchema = z.object({
  question: textSchema(LIMITS.question, 1),
  answer_schema: answerSchemaSchema.optional(),
  /** Made storable as the answer is that must have these values. */
  accept: z
    .record(storableTextSchema, z.union([storableTextSchema, figureSchema, z.boolean()]))
    .refine(
      (accept) => utf8Bytes(JSON.stringify(accept)) <= LIMITS.answer,
      `expected at most ${LIMITS.answer} bytes`,
    )
    .optional(),
  /** Left out: it waits for as long as it takes. */
  timeout_seconds: z
    .number()
    .min(1)
    .max(366 * 86_400)
    .optional(),
  on_timeout: onTimeoutSchema.default("fail"),
});
export type Ask = z.output<typeof askSchema>;
