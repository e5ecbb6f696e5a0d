import { keepPreviousData, replaceEqualDeep, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { buildsQuery, type ProjectSummary, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { type List, withRecent } from "../../live/lists.ts";
import { useLive } from "../../live/live-provider.tsx";
import { filterOf, isOfUser } from "./filter.ts";
import { SORTED_MOST, sorted } from "./sort.ts";

const PAGE = 100;
/** How often a list by note is read again. Milliseconds. */
const NOTES_MS = 5000;

/** The builds that pass the filters, newest first, as far as they have been scrolled to; up to date by themselves. */
export function useBuilds(search: BuildsSearch) {
  const api = useApi();
  const { recent } = useLive();
  const filter = filterOf(search);
  const query = useInfiniteQuery({
    ...buildsQuery(api, filter, PAGE),
    placeholderData: keepPreviousData,
    // No event says that a stage has noted what is looked for.
    refetchInterval: filter.note === undefined ? false : NOTES_MS,
    structuralSharing: (known, list) => replaceEqualDeep(known, withRecent(list as List, filter, recent)),
  });
  const { data } = query;
  const { user, sort } = search;
  const builds = useMemo(() => {
    const all = once(data?.pages.flatMap(({ items }) => items) ?? []);
    return sorted(
      all.filter((build) => isOfUser(build, user)),
      sort,
      Date.now(),
    );
  }, [data, user, sort]);
  // Another order is one of many builds: they are read at once, and not as far as one scrolls.
  const { hasNextPage, isFetching, error, fetchNextPage } = query;
  const reads = sort !== undefined && hasNextPage && !isFetching && !error && builds.length < SORTED_MOST;
  useEffect(() => {
    if (reads) void fetchNextPage();
  }, [reads, fetchNextPage]);
  return { ...query, builds };
}

/** A line that moved from one page to another while they were read comes once. */
function once(builds: readonly ProjectSummary[]): ProjectSummary[] {
  const seen = new Set<string>();
  return builds.filter(({ project_id }) => !seen.has(project_id) && seen.add(project_id));
}
