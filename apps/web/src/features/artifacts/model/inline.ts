import type { Stage } from "../../../lib/trpc.ts";
import type { Artifact } from "./artifact.ts";

/** The artifacts that the item itself lists for a stage, as the API would answer them. */
export function inlineArtifacts(project_id: string, stage: Stage): Artifact[] {
  const { artifacts, artifact_info } = stage.output_data;
  const parts = new Map(
    Object.entries(stage.sub_stages).flatMap(([key, part]) =>
      part.artifacts.map((path) => [path, key] as const),
    ),
  );
  return artifacts.map((path) => {
    const sub_stage = parts.get(path);
    return {
      ...(Object.hasOwn(artifact_info, path) && artifact_info[path]),
      project_id,
      stage: stage.stage,
      ...(sub_stage !== undefined && { sub_stage }),
      attempt: stage.attempt,
      path,
    };
  });
}
