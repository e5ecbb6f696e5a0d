import { keepPreviousData, replaceEqualDeep, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type BuildFilter, buildsQuery, type ProjectSummary, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { type List, withRecent } from "../../live/lists.ts";
import { useLive } from "../../live/live-provider.tsx";

const PAGE = 100;

/** What the API calls the filters. */
function filterOf({ status, user, tag, text }: BuildsSearch): BuildFilter {
  return {
    ...(status !== undefined && { status }),
    ...(user !== undefined && { user_id: user }),
    ...(tag !== undefined && { tag }),
    ...(text !== undefined && { text }),
  };
}

/** The builds that pass the filters, newest first, as far as they have been scrolled to; up to date by themselves. */
export function useBuilds(search: BuildsSearch) {
  const api = useApi();
  const { recent } = useLive();
  const filter = filterOf(search);
  const query = useInfiniteQuery({
    ...buildsQuery(api, filter, PAGE),
    placeholderData: keepPreviousData,
    structuralSharing: (known, list) => replaceEqualDeep(known, withRecent(list as List, filter, recent)),
  });
  const { data } = query;
  const builds = useMemo(() => once(data?.pages.flatMap(({ items }) => items) ?? []), [data]);
  return { ...query, builds };
}

/** A line that moved from one page to another while they were read comes once. */
function once(builds: readonly ProjectSummary[]): ProjectSummary[] {
  const seen = new Set<string>();
  return builds.filter(({ project_id }) => !seen.has(project_id) && seen.add(project_id));
}
