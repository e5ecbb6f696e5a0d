import { useSyncExternalStore } from "react";
import type { ProjectStatus } from "./api.ts";

/** What a list shows of a build in columns of their own, and can be ordered by. */
export const SORTED_COLUMNS = [
  "pipeline",
  "user",
  "priority",
  "duration",
  "tokens",
  "cost",
  "created",
] as const;
/** By what a list can be ordered. */
export const SORTS = ["name", "status", ...SORTED_COLUMNS] as const;
export type SortKey = (typeof SORTS)[number];
/** With `-` the largest, or the newest, comes first. */
export type Sort = SortKey | `-${SortKey}`;

/** The filters and the order of the list, as the address has them. */
export interface BuildsSearch {
  readonly status?: ProjectStatus;
  readonly user?: string;
  readonly tag?: string;
  readonly pipeline?: string;
  /** What a stage has noted: `name` or `name=value`. */
  readonly note?: string;
  readonly text?: string;
  /** Days as `YYYY-MM-DD` of the reader's own time zone: from the beginning of one to the end of the other. */
  readonly since?: string;
  readonly until?: string;
  /** Absent: the newest first. */
  readonly sort?: Sort;
}

/** Where the reader of a list was: the build at its top, how far that one was scrolled away, and the build in focus. */
export interface ListPlace {
  readonly top: string | undefined;
  readonly offset: number;
  readonly focused: string | undefined;
  /** Of the focused build in the list, for when it is there no longer. */
  readonly index: number;
}

// The list as this tab's reader left it last: every way back leads there.
let search: BuildsSearch = {};
let place: ListPlace | undefined;
const listeners = new Set<() => void>();

export function keepListSearch(next: BuildsSearch): void {
  if (JSON.stringify(search) === JSON.stringify(next)) return;
  search = next;
  place = undefined;
  for (const listener of listeners) listener();
}

export function keepListPlace(next: ListPlace): void {
  place = next;
}

/** Once: a list that is opened with other filters later begins at its top. */
export function takeListPlace(of: BuildsSearch): ListPlace | undefined {
  const kept = JSON.stringify(of) === JSON.stringify(search) ? place : undefined;
  place = undefined;
  return kept;
}

/** The filters that the way back to the list has. */
export function useListSearch(): BuildsSearch {
  return useSyncExternalStore(subscribe, () => search);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
