import { useQuery } from "@tanstack/react-query";
import type { Address } from "../model/artifact.ts";
import { bytesOf } from "../model/bytes.ts";

/** Bytes that are shown at most; more is for a download. */
export const SHOWN_BYTES = 2 * 1024 * 1024;

/** The bytes of an artifact. `version`, such as its hash, tells apart what was put there at different times. */
export function useBytes(address: Address, version: string | undefined, enabled = true) {
  const { project_id, stage, attempt, path } = address;
  return useQuery({
    queryKey: ["artifact", project_id, stage, attempt, path, version],
    queryFn: ({ signal }) => bytesOf({ project_id, stage, attempt, path }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    enabled,
  });
}
