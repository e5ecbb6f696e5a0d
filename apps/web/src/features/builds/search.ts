import type { ProjectStatus } from "../../lib/api.ts";
import { type BuildsSearch, SORTS, type Sort } from "../../lib/builds-list.ts";
import { cutUtf8, SEARCH_BYTES } from "../../lib/cut-utf8.ts";
import { isOneOf } from "../../lib/one-of.ts";

/** In the order in which a build has them. */
const ORDER: Readonly<Record<ProjectStatus, number>> = {
  pending: 0,
  queued: 1,
  building: 2,
  waiting: 3,
  paused: 4,
  completed: 5,
  failed: 6,
  cancelled: 7,
};
export const STATUSES = Object.keys(ORDER).filter((name): name is ProjectStatus =>
  Object.hasOwn(ORDER, name),
);
const isStatus = isOneOf(STATUSES);

/** The order in which the API gives them. */
const NEWEST_FIRST: Sort = "-created";
const isSort = isOneOf<Sort>(SORTS.flatMap((key): Sort[] => [key, `-${key}`]));

/** The filters without the order. */
export function filtersOf({ sort: _, ...filters }: BuildsSearch): BuildsSearch {
  return filters;
}

/** What the API takes, in bytes of UTF-8. */
const LONGEST = { user: 256, tag: 64, pipeline: 64, note: 2000, text: SEARCH_BYTES } as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What means nothing in the address is as good as none; a number there may be a text that looks like one. */
export function readSearch(search: Readonly<Record<string, unknown>>): BuildsSearch {
  const { status } = search;
  return {
    ...(isStatus(status) && { status }),
    ...textIn(search, "user"),
    ...textIn(search, "tag"),
    ...textIn(search, "pipeline"),
    ...textIn(search, "note"),
    ...textIn(search, "text"),
    ...dayIn(search, "since"),
    ...dayIn(search, "until"),
    ...(isSort(search.sort) && search.sort !== NEWEST_FIRST && { sort: search.sort }),
  };
}

function dayIn(search: Readonly<Record<string, unknown>>, name: "since" | "until"): BuildsSearch {
  const value = search[name];
  const means = typeof value === "string" && DAY.test(value) && !Number.isNaN(Date.parse(value));
  return means ? { [name]: value } : {};
}

function textIn(search: Readonly<Record<string, unknown>>, name: keyof typeof LONGEST): BuildsSearch {
  const value = search[name];
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return typeof text === "string" && text !== "" ? { [name]: cutUtf8(text, LONGEST[name]) } : {};
}
