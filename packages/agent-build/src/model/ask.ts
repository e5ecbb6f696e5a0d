import { type ModelReply, StageError, type StageModel } from "@stagefold/pipeline";
import { z } from "zod";

/** What one answer may have; a tool of a few hundred lines fits. */
const MAX_OUTPUT_TOKENS = 16_000;
const MAX_ISSUES = 20;

interface Question<Schema extends z.ZodType> {
  readonly purpose: string;
  readonly system: string;
  readonly text: string;
  /** Of the answer. Every property is required, and what JSON Schema cannot say strictly is a refinement. */
  readonly schema: Schema;
}

/**
 * Asks for an answer that fits a schema; one that does not is asked for once more, with what is wrong with it.
 * Errors: StageError, OUTPUT_INVALID where the second answer does not fit either.
 */
export async function askFor<Schema extends z.ZodType>(
  model: StageModel,
  { purpose, system, text, schema }: Question<Schema>,
): Promise<z.output<Schema>> {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
  const about = { system, schema: json, max_output_tokens: MAX_OUTPUT_TOKENS };
  const first = await model.ask({ ...about, purpose, messages: [{ role: "user", text }] });
  const parsed = check(schema, first);
  if ("answer" in parsed) return parsed.answer;
  const second = await model.ask({
    ...about,
    purpose: `${purpose}, again`,
    messages: [
      { role: "user", text },
      { role: "assistant", text: first.text },
      {
        role: "user",
        text: `That answer does not fit:\n${parsed.issues.join("\n")}\nGive the whole answer again, with this put right.`,
      },
    ],
  });
  const again = check(schema, second);
  if ("answer" in again) return again.answer;
  throw new StageError(
    `The language model's answer (${purpose}) does not fit, also when asked again: ${again.issues.slice(0, 3).join("; ")}`,
    { code: "OUTPUT_INVALID", final: true },
  );
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  { value }: ModelReply,
): { answer: z.output<Schema> } | { issues: string[] } {
  if (value === undefined) return { issues: ["it is not JSON"] };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { answer: parsed.data };
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".") || "(root)"}: ${message}`,
  );
  return { issues: issues.slice(0, MAX_ISSUES) };
}
