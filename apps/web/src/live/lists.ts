import { type ProjectFilter, passesFilter } from "@stagefold/core";
import type { InfiniteData } from "@tanstack/react-query";
import type { Outputs, ProjectSummary } from "../lib/trpc.ts";
import type { Cache } from "./cache.ts";
import type { RecentLines } from "./recent.ts";

type Page = Outputs["projects"]["list"];
export type List = InfiniteData<Page, string | null>;

/** Changes one line in every list that has been read; `undefined` takes it out. */
export function changeLists(
  { queries, trpc, recent }: Cache,
  projectId: string,
  project?: ProjectSummary,
): void {
  recent?.note(projectId, project);
  for (const query of queries.getQueryCache().findAll(trpc.projects.list.infiniteQueryFilter())) {
    const filter = filterOf(query.queryKey);
    queries.setQueryData<List>(query.queryKey, (list) => list && changed(list, filter, projectId, project));
  }
}

/** A list as it came, with what changed while it was on its way. */
export function withRecent(list: List, filter: ProjectFilter, recent: RecentLines): List {
  return recent.all().reduce((all, [id, line]) => changed(all, filter, id, line), list);
}

function changed(list: List, filter: ProjectFilter, projectId: string, project?: ProjectSummary): List {
  return withLine(list, projectId, project && passesFilter(project, filter) ? project : undefined);
}

/** The filter of a list is part of its key. */
function filterOf(key: readonly unknown[]): ProjectFilter {
  const about = key[1];
  const input = typeof about === "object" && about !== null && "input" in about ? about.input : undefined;
  return typeof input === "object" && input !== null ? input : {};
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
