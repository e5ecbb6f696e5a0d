import { addressOfRef, artifactRoute } from "@stagefold/client";
import { useQuery } from "@tanstack/react-query";
import { type Turn, useApi } from "./api.ts";
import { BASE } from "./base.ts";

/** Where a browser gets what a turn names by a `ref`. */
export function refUrl(ref: string, turn: Pick<Turn, "turn">): string {
  return BASE + artifactRoute(addressOfRef(ref, turn));
}

/** The whole text of a block that is kept elsewhere, once it is wanted. */
export function useWhole(ref: string | null | undefined, turn: Pick<Turn, "turn">, wanted: boolean) {
  const api = useApi();
  return useQuery({
    queryKey: ["turn file", ref],
    queryFn: async ({ signal }) => {
      const response = await api.artifacts.download(addressOfRef(ref ?? "", turn), { signal });
      return await response.text();
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    enabled: wanted && typeof ref === "string",
  });
}
