import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../../lib/api.ts";
import { codeOf } from "../../../lib/errors.ts";
import type { Address, Artifact } from "../model/artifact.ts";
import { bytesOf } from "../model/artifact.ts";

/** Bytes that are shown at most; more is for a download. */
export const MAX_SHOWN_BYTES = 2 * 1024 * 1024;

/** The bytes of an artifact. `version`, such as its hash, tells apart what was put there at different times. */
export function useBytes(address: Address, version: string | undefined, enabled = true) {
  const api = useApi();
  const { project_id, stage, attempt, path } = address;
  return useQuery({
    queryKey: ["artifact", project_id, stage, attempt, path, version],
    queryFn: ({ signal }) => bytesOf(api, { project_id, stage, attempt, path }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    enabled,
  });
}

/**
 * Whether an artifact is a reference, whose bytes are kept elsewhere; undefined until that is known. The record of what
 * is stored has a hash, so others alone are asked for.
 */
export function useIsElsewhere({ project_id, stage, attempt, path, sha256 }: Artifact): boolean | undefined {
  const api = useApi();
  const { data, error } = useQuery({
    queryKey: ["artifact is stored", project_id, stage, attempt, path],
    queryFn: async ({ signal }) => {
      const { body } = await api.artifacts.download({ project_id, stage, attempt, path }, { signal });
      await body?.cancel();
      return true;
    },
    enabled: sha256 === undefined,
  });
  if (sha256 !== undefined || data) return false;
  return error ? codeOf(error) === "ARTIFACT_NOT_FOUND" : undefined;
}
