import { keepPreviousData, replaceEqualDeep, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type ProjectSummary, useTRPC } from "../../lib/trpc.ts";
import { type List, withRecent } from "../../live/lists.ts";
import { useLive } from "../../live/live-provider.tsx";
import type { BuildsSearch } from "./search.ts";

const PAGE = 100;

/** What the API calls the filters. */
function filterOf({ status, user, tag, text }: BuildsSearch) {
  return {
    ...(status !== undefined && { status }),
    ...(user !== undefined && { user_id: user }),
    ...(tag !== undefined && { tag }),
    ...(text !== undefined && { text }),
  };
}

/** The builds that pass the filters, newest first, as far as they have been scrolled to; up to date by themselves. */
export function useBuilds(search: BuildsSearch) {
  const trpc = useTRPC();
  const { recent } = useLive().cache;
  const filter = filterOf(search);
  const query = useInfiniteQuery(
    trpc.projects.list.infiniteQueryOptions(
      { ...filter, limit: PAGE },
      {
        initialCursor: null,
        getNextPageParam: ({ next_cursor }) => next_cursor,
        placeholderData: keepPreviousData,
        structuralSharing: (known, list) => replaceEqualDeep(known, withRecent(list as List, filter, recent)),
      },
    ),
  );
  const { data } = query;
  const builds = useMemo(() => once(data?.pages.flatMap(({ items }) => items) ?? []), [data]);
  return { ...query, builds };
}

/** A line that moved from one page to another while they were read comes once. */
function once(builds: readonly ProjectSummary[]): ProjectSummary[] {
  const seen = new Set<string>();
  return builds.filter(({ project_id }) => !seen.has(project_id) && seen.add(project_id));
}
