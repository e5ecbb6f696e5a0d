import type { QueryClient } from "@tanstack/react-query";
import type { Project, useTRPC } from "../lib/trpc.ts";
import type { LiveEvent } from "./events.ts";
import { changeLists } from "./lists.ts";
import { newerProject } from "./newer.ts";
import type { RecentLines } from "./recent.ts";

export interface Cache {
  readonly queries: QueryClient;
  readonly trpc: ReturnType<typeof useTRPC>;
  /** Only the page as a whole has one. */
  readonly recent?: RecentLines;
}

/** Brings an event into what the queries have read. What may have been missed is read again. */
export function applyEvent(cache: Cache): (event: LiveEvent) => void {
  const { queries, trpc, recent } = cache;
  let everLost = false;
  return (event) => {
    if (event.kind === "connection") {
      recent?.clear();
      // Whatever happened meanwhile, and whatever could not be read.
      if (event.connection === "online" && everLost) void queries.invalidateQueries();
      everLost ||= event.connection === "lost";
      return;
    }
    const { change } = event;
    switch (change.kind) {
      case "project":
        return showProject(cache, change.project);
      case "ended":
        void queries.invalidateQueries(trpc.projects.get.queryFilter({ project_id: change.project_id }));
        return;
      case "changed":
        return changeLists(cache, change.project.project_id, change.project);
      case "removed":
        return changeLists(cache, change.project_id);
      case "reset":
        recent?.clear();
        void queries.invalidateQueries(trpc.projects.list.pathFilter());
        void queries.invalidateQueries(trpc.stats.pathFilter());
        return;
      default:
        return change satisfies never;
    }
  };
}

/** Shows a state of a project wherever it is shown, such as the answer of a mutation. An older one changes nothing. */
export function showProject({ queries, trpc }: Cache, project: Project): void {
  queries.setQueryData(trpc.projects.get.queryKey({ project_id: project.project_id }), (known) =>
    newerProject(known, project),
  );
}
