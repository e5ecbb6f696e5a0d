import { jsonObjectSchema } from "@stagefold/core";
import { StageError } from "@stagefold/pipeline";
import { z } from "zod";

/** Bytes of JSON. What is larger belongs in an artifact. */
export const OUTPUT_AT_MOST = 8 * 1024 * 1024;
const TAKEN = ["artifacts", "artifact_info", "artifact_count"];

/**
 * What a stage returned, as it will be recorded: checked by its schema, then by what the item can keep.
 * Throws a StageError with the code OUTPUT_INVALID.
 */
export async function checkedOutput(
  value: unknown,
  schema: z.ZodType | undefined,
): Promise<Record<string, unknown>> {
  const parsed = schema ? await schema.safeParseAsync(value) : { success: true as const, data: value };
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const json = toJson(parsed.data ?? {});
  const size = Buffer.byteLength(json);
  if (size > OUTPUT_AT_MOST)
    throw invalid(`it has ${size} bytes, at most ${OUTPUT_AT_MOST} are kept; record it as an artifact`);
  const plain: unknown = JSON.parse(json);
  if (typeof plain !== "object" || plain === null || Array.isArray(plain))
    throw invalid(`expected an object, found ${Array.isArray(plain) ? "a list" : json.slice(0, 80)}`);
  const kept = jsonObjectSchema.safeParse(plain);
  if (!kept.success) throw invalid(z.prettifyError(kept.error));
  const taken = TAKEN.filter((name) => Object.hasOwn(kept.data, name));
  if (taken.length > 0) throw invalid(`the names ${taken.join(", ")} are taken by the project itself`);
  return kept.data;
}

function toJson(value: unknown): string {
  try {
    const json = JSON.stringify(value);
    if (json !== undefined) return json;
  } catch (cause) {
    throw invalid(`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  throw invalid(`expected an object, found a ${typeof value}`);
}

function invalid(what: string): StageError {
  return new StageError(`The output of the stage is not as expected: ${what}`, { code: "OUTPUT_INVALID" });
}
