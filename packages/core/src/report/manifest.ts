import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import { artifactInfoSchema, type Project, type Stage } from "../snapshot/schema.ts";
import { type ArtifactEntry, inlineArtifacts } from "../transitions/artifacts.ts";

const manifestSchema = z.array(artifactInfoSchema.extend({ path: z.string() }));

/** One artifact as every list shows it. `size` in bytes. */
export const artifactSchema = artifactInfoSchema.extend({
  project_id: z.string(),
  stage: z.string(),
  sub_stage: z.string().optional(),
  attempt: z.number().int(),
  path: z.string(),
});
export type Artifact = z.output<typeof artifactSchema>;

/** The full list of a stage's artifacts, from the document that keeps it. */
export async function readManifest(
  projectId: string,
  name: string,
  store: ArtifactStore,
): Promise<ArtifactEntry[]> {
  const parsed = manifestSchema.safeParse(await store.getDocument(projectId, name));
  if (parsed.success) return parsed.data;
  throw new StagefoldError(
    "STORE_UNAVAILABLE",
    `The list of artifacts ${name} of ${projectId} is missing or damaged.`,
    {
      retry_after: 5,
    },
  );
}

/** Every artifact of a stage, those that the item only counts included. */
export async function artifactsOfStage(
  project: Project,
  stage: Stage,
  store: ArtifactStore,
): Promise<Artifact[]> {
  const entries =
    stage.artifact_manifest === undefined
      ? inlineArtifacts(stage)
      : await readManifest(project.project_id, stage.artifact_manifest, store);
  const parts = new Map(
    Object.entries(stage.sub_stages).flatMap(([key, part]) =>
      part.artifacts.map((path) => [path, key] as const),
    ),
  );
  return entries.map((entry) => {
    const sub_stage = parts.get(entry.path);
    return {
      ...entry,
      project_id: project.project_id,
      stage: stage.stage,
      ...(sub_stage !== undefined && { sub_stage }),
      attempt: stage.attempt,
    };
  });
}
