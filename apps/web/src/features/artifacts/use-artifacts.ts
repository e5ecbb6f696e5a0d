import { type UseQueryResult, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Project, type Stage, type StagefoldClient, useApi } from "../../lib/api.ts";
import type { Artifact } from "./model/artifact.ts";

export interface Artifacts {
  readonly artifacts: readonly Artifact[];
  /** Some lists, too long for the item, are still being read. */
  readonly loading: boolean;
  readonly error?: unknown;
}

/** All artifacts of a build in the order of its stages. Short lists are in the item itself, long ones are read. */
export function useArtifacts(project: Project): Artifacts {
  const api = useApi();
  const { project_id } = project;
  const { stages } = project.stages_snapshot;
  const long = stages.filter(({ artifact_manifest }) => artifact_manifest !== undefined);
  const { lists, loading, error } = useQueries({
    combine,
    queries: long.map(({ stage, artifact_manifest, attempt }) => ({
      // A list's name is never used again for another one.
      queryKey: ["artifacts", project_id, stage, attempt, artifact_manifest],
      queryFn: ({ signal }: { signal: AbortSignal }) => wholeList(api, project_id, stage, signal),
      staleTime: Number.POSITIVE_INFINITY,
    })),
  });
  // Thousands are put together again only when something of them has changed.
  const artifacts = useMemo(() => {
    const read = new Map(
      stages
        .filter(({ artifact_manifest }) => artifact_manifest !== undefined)
        .map(({ stage }, i) => [stage, lists[i]]),
    );
    return stages.flatMap((stage) => read.get(stage.stage) ?? inlineArtifacts(project_id, stage));
  }, [project_id, stages, lists]);
  return { artifacts, loading, ...(error && { error }) };
}

function combine(answers: UseQueryResult<Artifact[]>[]) {
  return {
    lists: answers.map(({ data }) => data),
    loading: answers.some(({ isPending }) => isPending),
    error: answers.find(({ error }) => error !== null)?.error,
  };
}

async function wholeList(
  api: StagefoldClient,
  project_id: string,
  stage: string,
  signal: AbortSignal,
): Promise<Artifact[]> {
  const all: Artifact[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Artifact[]; next_cursor: string | null } = await api.artifacts.listByProject(
      { project_id, stage, limit: 100, cursor },
      { signal },
    );
    all.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return all;
}

/** The artifacts that the item itself lists for a stage, as the API would answer them. */
function inlineArtifacts(project_id: string, stage: Stage): Artifact[] {
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
