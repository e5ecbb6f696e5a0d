import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { artifactPathSchema, stageKeySchema } from "../snapshot/ids.ts";
import { LIMITS, utf8Bytes } from "../snapshot/limits.ts";
import { type ArtifactInfo, artifactInfoSchema, type Stage } from "../snapshot/schema.ts";
import { jsonObjectSchema, storableText, textSchema } from "../snapshot/storable.ts";

/** One artifact as a caller describes it, `size` in bytes. */
export const artifactInputSchema = z.object({
  path: artifactPathSchema,
  sub_stage: stageKeySchema.optional(),
  ...artifactInfoSchema.shape,
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, "expected 64 hex digits")
    .optional(),
  media_type: z
    .string()
    .transform((text) => storableText(text, 255))
    .optional(),
  mode: textSchema(8, 1).optional(),
  doc_path: z
    .string()
    .transform((text) => storableText(text, LIMITS.artifactPath))
    .optional(),
  metadata: jsonObjectSchema
    .refine(
      (value) => utf8Bytes(JSON.stringify(value)) <= LIMITS.metadata,
      `expected at most ${LIMITS.metadata} bytes`,
    )
    .optional(),
});
export type ArtifactInput = z.output<typeof artifactInputSchema>;

/** One artifact as a caller gives it: a plain path is short for `{ path }`. */
export const artifactOrPathSchema = z.union([
  artifactInputSchema,
  artifactPathSchema.transform((path): ArtifactInput => ({ path })),
]);

export type ArtifactMode = "replace" | "add";

/** One entry of a stage's full list. */
export interface ArtifactEntry extends ArtifactInfo {
  path: string;
}

/** The artifacts that the item itself lists for a stage; all of them unless it has an `artifact_manifest`. */
export function inlineArtifacts(stage: Stage): ArtifactEntry[] {
  const { artifacts, artifact_info } = stage.output_data;
  return artifacts.map((path) => ({ ...(Object.hasOwn(artifact_info, path) && artifact_info[path]), path }));
}

/** The stage with this full list, however long: keeping to the caps of the item comes later. */
export function withArtifacts(stage: Stage, entries: readonly ArtifactEntry[]): Stage {
  const { artifact_manifest: _m, ...rest } = stage;
  const { artifact_count: _c, ...output } = stage.output_data;
  const info = entries.flatMap(({ path, ...details }) =>
    Object.keys(details).length ? [[path, details] as const] : [],
  );
  return {
    ...rest,
    output_data: {
      ...output,
      artifacts: entries.map((entry) => entry.path),
      artifact_info: Object.fromEntries(info),
    },
  };
}

/** Adds or replaces: the same path twice is one artifact, the later details win. */
export function recordArtifacts(
  stage: Stage,
  given: readonly ArtifactInput[],
  mode: ArtifactMode,
  at: string,
): Stage {
  const entries = new Map<string, ArtifactEntry>();
  if (mode === "add") for (const entry of inlineArtifacts(stage)) entries.set(entry.path, entry);
  for (const { sub_stage: _s, ...artifact } of given)
    entries.set(artifact.path, { ...entries.get(artifact.path), created_at: at, ...defined(artifact) });
  let changed = withArtifacts(stage, [...entries.values()]);
  if (mode === "replace") changed = withoutPartArtifacts(changed);
  for (const { sub_stage, path } of given)
    if (sub_stage !== undefined) changed = withPartArtifact(changed, sub_stage, path);
  return changed;
}

/** The same for one part of a stage, known from its start: what the other parts made stays. */
export function recordPartArtifacts(
  stage: Stage,
  key: string,
  given: readonly ArtifactInput[],
  mode: ArtifactMode,
  at: string,
): Stage {
  const listed = given.map((artifact) => ({ ...artifact, sub_stage: key }));
  const kept = mode === "replace" ? withoutArtifactsOf(stage, key) : stage;
  return recordArtifacts(kept, listed, "add", at);
}

function withoutArtifactsOf(stage: Stage, key: string): Stage {
  const part = Object.hasOwn(stage.sub_stages, key) ? stage.sub_stages[key] : undefined;
  if (!part) return stage;
  const gone = new Set(part.artifacts);
  const rest = withArtifacts(
    stage,
    inlineArtifacts(stage).filter(({ path }) => !gone.has(path)),
  );
  return { ...rest, sub_stages: { ...rest.sub_stages, [key]: { ...part, artifacts: [] } } };
}

/** The stage without artifacts; the files stay in the store. */
export function removeArtifacts(stage: Stage): Stage {
  return withoutPartArtifacts(withArtifacts(stage, []));
}

function withPartArtifact(stage: Stage, key: string, path: string): Stage {
  const part = Object.hasOwn(stage.sub_stages, key) ? stage.sub_stages[key] : undefined;
  if (!part)
    throw new StagefoldError("STAGE_NOT_FOUND", `Stage ${stage.stage} has no sub-stage ${key}.`, {
      stage: `${stage.stage}/${key}`,
    });
  if (part.artifacts.includes(path)) return stage;
  return {
    ...stage,
    sub_stages: { ...stage.sub_stages, [key]: { ...part, artifacts: [...part.artifacts, path] } },
  };
}

function withoutPartArtifacts(stage: Stage): Stage {
  const parts = Object.entries(stage.sub_stages).map(([key, part]) => [key, { ...part, artifacts: [] }]);
  return parts.length === 0 ? stage : { ...stage, sub_stages: Object.fromEntries(parts) };
}

function defined(artifact: Omit<ArtifactInput, "sub_stage">): ArtifactEntry {
  return {
    ...Object.fromEntries(Object.entries(artifact).filter(([, value]) => value !== undefined)),
    path: artifact.path,
  };
}
