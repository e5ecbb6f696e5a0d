import type { BuildFilter, ProjectSummary } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cutUtf8, SEARCH_BYTES } from "../../lib/cut-utf8.ts";

/**
 * What the API is asked for. It finds a user by the whole id alone; its search also finds parts of ids and of the names
 * that are shown, so that is what it is asked for unless the reader searches for something else.
 */
export function filterOf({
  status,
  user,
  tag,
  pipeline,
  note,
  text,
  since,
  until,
}: BuildsSearch): BuildFilter {
  const wanted = text ?? user;
  return {
    ...(status !== undefined && { status }),
    ...(user !== undefined && text !== undefined && { user_id: user }),
    ...(tag !== undefined && { tag }),
    ...(pipeline !== undefined && { pipeline }),
    ...(note !== undefined && { note }),
    ...(since !== undefined && { since: startOfDay(since, 0) }),
    ...(until !== undefined && { until: startOfDay(until, 1) }),
    ...(wanted !== undefined && { text: cutUtf8(wanted, SEARCH_BYTES) }),
  };
}

/** When a day, or one some days later, begins where the reader is. */
function startOfDay(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Whether a build is of the user that was asked for, by id or by the name that is shown. */
export function isOfUser({ user_id, user_name }: ProjectSummary, user: string | undefined): boolean {
  if (user === undefined) return true;
  const wanted = user.toLowerCase();
  return [user_id, user_name].some((name) => name?.toLowerCase().includes(wanted));
}

/**
 * What a list's filters mean to an action on all builds that match, on the pages that were not read too: of builds up to
 * the newest that is shown. Undefined for filters that actions do not have (notes), and where the API would find more than the
 * list shows, which is narrowed down to one user by a part of a name.
 */
export function matchingFilter(
  search: BuildsSearch,
  builds: readonly ProjectSummary[],
): BuildFilter | undefined {
  const { user, note, ...others } = search;
  const newest = newestOf(builds);
  if (newest === undefined || note !== undefined) return undefined;
  const filter = filterOf(others);
  const after = new Date(Date.parse(newest) + 1).toISOString();
  const until = filter.until !== undefined && filter.until < after ? filter.until : after;
  if (user === undefined) return { ...filter, until };
  const [userId, ...more] = new Set(builds.map(({ user_id }) => user_id));
  return userId === undefined || more.length > 0 ? undefined : { ...filter, user_id: userId, until };
}

/** Whatever the order of the list is. */
function newestOf(builds: readonly ProjectSummary[]): string | undefined {
  return builds.reduce<string | undefined>(
    (newest, { created_at }) => (newest !== undefined && newest > created_at ? newest : created_at),
    undefined,
  );
}
