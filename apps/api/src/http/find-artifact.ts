import {
  type Artifact,
  type ArtifactRef,
  artifactPathSchema,
  findStage,
  invocationIdSchema,
  type Project,
  projectIdSchema,
  type Repository,
  type Stage,
  StagefoldError,
  sessionIdSchema,
  stageKeySchema,
} from "@stagefold/core";
import { z } from "zod";

const attemptSchema = z.coerce.number<string>().int().min(0).max(1_000_000);
export const attemptText = z
  .string()
  .regex(/^\d{1,7}$/, "expected a whole number")
  .pipe(attemptSchema);

const ownerSchema = z.union([projectIdSchema, sessionIdSchema, invocationIdSchema], {
  error: "expected the id of a project, a session or an invocation",
});

/** Which bytes are meant. An attempt is one of a stage. */
export const getAddressSchema = z
  .object({
    project_id: ownerSchema,
    path: artifactPathSchema,
    stage: stageKeySchema.optional(),
    attempt: attemptText.optional(),
    /** Of a session: whose file it is, where `attempt` does not say it. */
    turn: attemptText.optional(),
  })
  .refine(({ stage, attempt }) => attempt === undefined || stage !== undefined, {
    path: ["stage"],
    message: "expected beside attempt",
  });

export type GetAddress = z.output<typeof getAddressSchema>;

/** Whether the files are those of turns, not of a build. */
export function isTurnOwner(id: string): boolean {
  return !projectIdSchema.safeParse(id).success;
}

/** Where the bytes are, and what the project says of them; an earlier attempt's are not in the project any more. */
export interface Found {
  readonly ref: ArtifactRef;
  readonly recorded: Pick<Artifact, "size" | "sha256" | "media_type"> | undefined;
}

/** Errors: PROJECT_NOT_FOUND, STAGE_NOT_FOUND, ARTIFACT_NOT_FOUND. */
export async function findArtifact(repository: Repository, address: GetAddress): Promise<Found> {
  const { project_id, path } = address;
  const project = await repository.get(project_id);
  const stage = address.stage === undefined ? undefined : findStage(project, address.stage).stage;
  if (stage && address.attempt !== undefined && address.attempt < stage.attempt)
    return { ref: { project_id, stage: stage.stage, attempt: address.attempt, path }, recorded: undefined };
  const recorded = await lastRecorded(repository, project, path, stage);
  if (!recorded || (address.attempt !== undefined && address.attempt !== recorded.attempt))
    throw noArtifact(address);
  return { ref: { project_id, stage: recorded.stage, attempt: recorded.attempt, path }, recorded };
}

/** In the stage, or the last stage that lists the path: full lists of the stages before it are not read. */
async function lastRecorded(
  repository: Repository,
  project: Project,
  path: string,
  stage?: Stage,
): Promise<Artifact | undefined> {
  for (const one of stage ? [stage] : project.stages_snapshot.stages.toReversed()) {
    const all = await repository.artifactsOf(project, one.stage);
    const recorded = all.findLast((artifact) => artifact.path === path);
    if (recorded) return recorded;
  }
  return undefined;
}

export function noArtifact({ project_id, path }: { project_id: string; path: string }) {
  return new StagefoldError("ARTIFACT_NOT_FOUND", `There is no artifact ${path} of ${project_id} there.`, {
    project_id,
    path,
  });
}
