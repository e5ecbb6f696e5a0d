import type { BuildsSearch } from "../../lib/builds-list.ts";
import { keep, readKept } from "../../lib/storage.ts";
import { readSearch } from "./search.ts";

export interface View {
  readonly name: string;
  readonly search: BuildsSearch;
}

const KEY = "builds.views";
/** More than these cannot be told apart in a list. */
const MOST = 30;

const isList = (value: unknown): value is unknown[] => Array.isArray(value);

/** What this browser has kept, by name. What means nothing any more is left out. */
export function keptViews(): View[] {
  return viewsIn(readKept(KEY, isList) ?? []);
}

export function viewsIn(kept: readonly unknown[]): View[] {
  return kept.flatMap((view) => {
    if (typeof view !== "object" || view === null || !("name" in view) || !("search" in view)) return [];
    const { name, search } = view;
    if (typeof name !== "string" || typeof search !== "object" || search === null) return [];
    return [{ name, search: readSearch({ ...search }) }];
  });
}

/** Under a name that is taken, it takes that one's place. Returns all there are now. */
export function saveView(view: View): View[] {
  return write([...keptViews().filter(({ name }) => name !== view.name), view]);
}

export function removeView(gone: string): View[] {
  return write(keptViews().filter(({ name }) => name !== gone));
}

function write(views: readonly View[]): View[] {
  const kept = views.toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, MOST);
  keep(KEY, kept);
  return kept;
}
