import { z } from "zod";
import type { ArtifactRef, ArtifactStore, AttemptRef } from "../ports/artifact-store.ts";
import { timeSchema } from "../snapshot/time.ts";

/** Paths below it are the platform's own: stages record no artifacts there. */
export const RESERVED_FOLDER = ".stagefold/";

const count = z.number().int().min(0);

/** One call of a language model by a stage, as a line of JSON beside the attempt's artifacts; never in the item. */
export const modelCallSchema = z.looseObject({
  /** From 1, in the order in which they ended. */
  call: count,
  at: timeSchema,
  /** What it was for, such as `tool csv_mean`. */
  purpose: z.string(),
  /** `<provider>:<model>`. */
  model: z.string(),
  status: z.enum(["completed", "failed"]),
  /** Why it failed. */
  code: z.string().optional(),
  message: z.string().optional(),
  /** SHA-256 of the whole request: an attempt takes the answer of an earlier one to the same request. */
  digest: z.string(),
  /** The answer is that of an earlier call, and cost nothing. */
  reused: z.boolean().default(false),
  system: z.string().optional(),
  messages: z.array(z.looseObject({ role: z.string(), text: z.string() })),
  /** JSON Schema of the answer. */
  schema: z.record(z.string(), z.unknown()).optional(),
  answer: z.string().optional(),
  input_tokens: count,
  output_tokens: count,
  cached_tokens: count,
  /** Null for a model without a price. */
  cost_usd: z.number().nullable(),
  duration_ms: z.number(),
});
export type ModelCall = z.output<typeof modelCallSchema>;

function refOf({ project_id, stage, attempt }: AttemptRef): ArtifactRef {
  return { project_id, stage, attempt, path: `${RESERVED_FOLDER}model-calls.jsonl` };
}

/** The calls of an attempt, in their order; none where it made none. Lines that cannot be read are left out. */
export async function readModelCalls(attempt: AttemptRef, store: ArtifactStore): Promise<ModelCall[]> {
  const found = await store.get(refOf(attempt));
  if (!found) return [];
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of found.stream) text += decoder.decode(bytes, { stream: true });
  return (text + decoder.decode()).split("\n").flatMap(callOf);
}

/** All calls of an attempt, in place of what was there. */
export async function writeModelCalls(
  attempt: AttemptRef,
  calls: readonly ModelCall[],
  store: ArtifactStore,
): Promise<void> {
  const text = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
  await store.put(refOf(attempt), new TextEncoder().encode(text));
}

function callOf(line: string): ModelCall[] {
  try {
    const parsed = modelCallSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    // The empty line at the end, or one that another program wrote.
    return [];
  }
}
