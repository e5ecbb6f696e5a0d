import { passesFilter } from "@stagefold/core";
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { BuildFilter, Outputs, ProjectSummary } from "../lib/api.ts";

/** How long an answer may be on its way that was asked for before an event came. Milliseconds. */
const KEEP_MS = 5000;

/**
 * The lines that changed just now. A list that was asked for before, and comes after, is older than they are: they are
 * brought into it again.
 */
export class RecentLines {
  readonly #lines = new Map<string, { readonly line: ProjectSummary | undefined; readonly at: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `undefined` for a project that is gone. */
  note(projectId: string, line: ProjectSummary | undefined): void {
    this.#forgetOld();
    this.#lines.delete(projectId);
    this.#lines.set(projectId, { line, at: this.#now() });
  }

  /** After a break: whatever is read now is newer. */
  clear(): void {
    this.#lines.clear();
  }

  /** In the order in which they changed. */
  all(): readonly (readonly [projectId: string, line: ProjectSummary | undefined])[] {
    this.#forgetOld();
    return [...this.#lines].map(([id, { line }]) => [id, line]);
  }

  #forgetOld(): void {
    const oldest = this.#now() - KEEP_MS;
    for (const [id, { at }] of this.#lines) if (at < oldest) this.#lines.delete(id);
  }
}

export type List = InfiniteData<Outputs["projects"]["list"], string | null>;

/** Changes one line in every list that has been read; `undefined` takes it out. */
export function changeLists(
  queries: QueryClient,
  recent: RecentLines,
  projectId: string,
  project?: ProjectSummary,
): void {
  recent.note(projectId, project);
  for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: ["builds"] }))
    queries.setQueryData<List>(
      queryKey,
      (list) => list && changed(list, queryKey[1] as BuildFilter, projectId, project),
    );
}

/** A list as it came, with what changed while it was on its way. */
export function withRecent(list: List, filter: BuildFilter, recent: RecentLines): List {
  return recent.all().reduce((all, [id, line]) => changed(all, filter, id, line), list);
}

function changed(list: List, filter: BuildFilter, projectId: string, project?: ProjectSummary): List {
  // A line does not say what its stages noted: what a list by note has comes from the API alone.
  if (filter.note !== undefined && !placeOf(list, projectId)) return list;
  return withLine(list, projectId, project && passesFilter(project, filter) ? project : undefined);
}

/** The list with a line as it is now; what has not changed stays the same object. */
export function withLine(list: List, projectId: string, line: ProjectSummary | undefined): List {
  const at = placeOf(list, projectId);
  if (at && line && list.pages[at.page]?.items[at.item]?.created_at === line.created_at)
    return withPage(list, at.page, (items) => items.with(at.item, line));
  const without = at ? withPage(list, at.page, (items) => items.toSpliced(at.item, 1)) : list;
  return line ? withNewLine(without, line) : without;
}

function placeOf(list: List, projectId: string): { page: number; item: number } | undefined {
  for (const [page, { items }] of list.pages.entries()) {
    const item = items.findIndex((line) => line.project_id === projectId);
    if (item >= 0) return { page, item };
  }
  return undefined;
}

/** Newest first; one that is older than all that has been read comes with its own page. */
function withNewLine(list: List, line: ProjectSummary): List {
  for (const [page, { items, next_cursor }] of list.pages.entries()) {
    const item = items.findIndex((other) => other.created_at < line.created_at);
    const last = page === list.pages.length - 1 && next_cursor === null;
    if (item >= 0 || last)
      return withPage(list, page, (all) => all.toSpliced(item >= 0 ? item : all.length, 0, line));
  }
  return list;
}

function withPage(list: List, page: number, change: (items: ProjectSummary[]) => ProjectSummary[]): List {
  const pages = list.pages.map((old, i) => (i === page ? { ...old, items: change(old.items) } : old));
  return { ...list, pages };
}
