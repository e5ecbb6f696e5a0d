import { buildSeconds } from "@stagefold/core";
import type { ProjectSummary } from "../../lib/api.ts";
import type { Sort, SortKey } from "../../lib/builds-list.ts";
import { STATUSES } from "./search.ts";

/** So many builds, the newest that match, are put into another order: the API gives them by time alone. */
export const SORTED_MOST = 1000;

type Value = string | number | undefined;

const VALUE: Readonly<Record<SortKey, (build: ProjectSummary, nowMs: number) => Value>> = {
  name: ({ project_name }) => project_name,
  status: ({ status }) => STATUSES.indexOf(status),
  pipeline: ({ pipeline }) => pipeline,
  user: ({ user_name, user_id }) => user_name ?? user_id,
  priority: ({ priority }) => priority,
  duration: buildSeconds,
  tokens: ({ build_summary }) => build_summary && build_summary.input_tokens + build_summary.output_tokens,
  cost: ({ build_summary }) => build_summary?.cost_usd,
  created: ({ created_at }) => created_at,
};

/** In that order; builds that have no such value come last, whichever the direction, and equal ones stay as they were. */
export function sorted(
  builds: readonly ProjectSummary[],
  sort: Sort | undefined,
  nowMs: number,
): readonly ProjectSummary[] {
  if (sort === undefined) return builds;
  const read = VALUE[keyOf(sort)];
  const way = isDescending(sort) ? -1 : 1;
  return builds
    .map((build) => ({ build, value: read(build, nowMs) }))
    .sort((one, other) => {
      if (one.value === undefined || other.value === undefined)
        return Number(one.value === undefined) - Number(other.value === undefined);
      return way * compare(one.value, other.value);
    })
    .map(({ build }) => build);
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function compare(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return collator.compare(String(one), String(other));
}

export function keyOf(sort: Sort): SortKey {
  return sort.replace(/^-/, "") as SortKey;
}

export function isDescending(sort: Sort): boolean {
  return sort.startsWith("-");
}

/** What begins with the least: words and states. Of figures the largest is looked for first. */
const FROM_LEAST: readonly SortKey[] = ["name", "status", "pipeline", "user", "priority"];

/** What a click on a column's head makes of an order: this column, then the other way around, then the newest first. */
export function nextSort(sort: Sort | undefined, key: SortKey): Sort | undefined {
  const [first, second]: readonly Sort[] = FROM_LEAST.includes(key) ? [key, `-${key}`] : [`-${key}`, key];
  // By time the newest come first anyway.
  if (key === "created") return sort === "created" ? undefined : "created";
  if (sort === first) return second;
  return sort === second ? undefined : first;
}
