import { keepPreviousData, replaceEqualDeep, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type BuildFilter, buildsQuery, type ProjectSummary, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { type List, withRecent } from "../../live/lists.ts";
import { useLive } from "../../live/live-provider.tsx";

const PAGE = 100;
/** How often a list by note is read again. Milliseconds. */
const NOTES_MS = 5000;

/**
 * What the API is asked for. It finds a user by the whole id alone; its search also finds parts of ids and of the names
 * that are shown, so that is what it is asked for unless the reader searches for something else.
 */
function filterOf({ status, user, tag, pipeline, note, text, since, until }: BuildsSearch): BuildFilter {
  const wanted = text ?? user;
  return {
    ...(status !== undefined && { status }),
    ...(user !== undefined && text !== undefined && { user_id: user }),
    ...(tag !== undefined && { tag }),
    ...(pipeline !== undefined && { pipeline }),
    ...(note !== undefined && { note }),
    ...(since !== undefined && { since: startOfDay(since, 0) }),
    ...(until !== undefined && { until: startOfDay(until, 1) }),
    ...(wanted !== undefined && { text: wanted }),
  };
}

/** When a day, or one some days later, begins where the reader is. */
function startOfDay(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Whether a build is of the user that was asked for, by id or by the name that is shown. */
function isOfUser({ user_id, user_name }: ProjectSummary, user: string | undefined): boolean {
  if (user === undefined) return true;
  const wanted = user.toLowerCase();
  return [user_id, user_name].some((name) => name?.toLowerCase().includes(wanted));
}

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
  const { user } = search;
  const builds = useMemo(() => {
    const all = once(data?.pages.flatMap(({ items }) => items) ?? []);
    return all.filter((build) => isOfUser(build, user));
  }, [data, user]);
  return { ...query, builds };
}

/** A line that moved from one page to another while they were read comes once. */
function once(builds: readonly ProjectSummary[]): ProjectSummary[] {
  const seen = new Set<string>();
  return builds.filter(({ project_id }) => !seen.has(project_id) && seen.add(project_id));
}
