import { type Artifact, type ArtifactRef, findStage, type Repository, StagefoldError } from "@stagefold/core";
import type { GetAddress } from "./address.ts";

/** Where the bytes are, and what the project says of them; an earlier attempt's are not in the project any more. */
export interface Found {
  readonly ref: ArtifactRef;
  readonly recorded: Artifact | undefined;
}

/** Errors: PROJECT_NOT_FOUND, STAGE_NOT_FOUND, ARTIFACT_NOT_FOUND. */
export async function findArtifact(repository: Repository, address: GetAddress): Promise<Found> {
  const { project_id, path } = address;
  const project = await repository.get(project_id);
  const stage = address.stage === undefined ? undefined : findStage(project, address.stage).stage;
  if (stage && address.attempt !== undefined && address.attempt < stage.attempt)
    return { ref: { project_id, stage: stage.stage, attempt: address.attempt, path }, recorded: undefined };
  const all = await repository.artifactsOf(project, address.stage);
  const recorded = all.findLast((artifact) => artifact.path === path);
  if (!recorded || (address.attempt !== undefined && address.attempt !== recorded.attempt))
    throw noArtifact(address);
  return { ref: { project_id, stage: recorded.stage, attempt: recorded.attempt, path }, recorded };
}

export function noArtifact({ project_id, path }: { project_id: string; path: string }) {
  return new StagefoldError("ARTIFACT_NOT_FOUND", `Project ${project_id} has no artifact ${path} there.`, {
    project_id,
    path,
  });
}
