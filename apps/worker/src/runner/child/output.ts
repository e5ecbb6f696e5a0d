import { jsonObjectSchema } from "@stagefold/core";
import { StageError } from "@stagefold/pipeline";
import { z } from "zod";

/** Bytes of JSON. What is larger belongs in an artifact. */
export const MAX_OUTPUT = 8 * 1024 * 1024;
const TAKEN = ["artifacts", "artifact_info", "artifact_count"];

/**
 * What a stage returned, as it will be recorded: checked by its schema, then by what the item can keep, before JSON
 * makes something else of it. Throws a StageError with the code OUTPUT_INVALID.
 */
export async function checkedOutput(
  value: unknown,
  schema: z.ZodType | undefined,
): Promise<Record<string, unknown>> {
  const parsed = schema ? await schema.safeParseAsync(value) : { success: true as const, data: value };
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const kept = storable(parsed.data ?? {});
  if (!kept.success) throw invalid(z.prettifyError(kept.error));
  const size = Buffer.byteLength(JSON.stringify(kept.data));
  if (size > MAX_OUTPUT)
    throw invalid(`it has ${size} bytes, at most ${MAX_OUTPUT} are kept; record it as an artifact`);
  const taken = TAKEN.filter((name) => Object.hasOwn(kept.data, name));
  if (taken.length > 0) throw invalid(`the names ${taken.join(", ")} are taken by the project itself`);
  return kept.data;
}

function storable(value: unknown): z.ZodSafeParseResult<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`expected an object, found ${Array.isArray(value) ? "a list" : `a ${typeof value}`}`);
  try {
    return jsonObjectSchema.safeParse(value);
  } catch (cause) {
    // A property whose own code fails.
    throw invalid(`it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function invalid(what: string): StageError {
  return new StageError(`The output of the stage is not as expected: ${what}`, { code: "OUTPUT_INVALID" });
}
