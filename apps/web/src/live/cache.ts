import type { QueryClient } from "@tanstack/react-query";
import { type Project, SESSION_KEY } from "../lib/api.ts";
import type { LiveEvent } from "./leader.ts";
import { changeLists, type RecentLines } from "./lists.ts";

/** Applies an event to what the queries have read. What may have been missed is read again. */
export function applyEvents(queries: QueryClient, recent: RecentLines): (event: LiveEvent) => void {
  let everLost = false;
  return (event) => {
    if (event.kind === "connection") {
      recent.clear();
      // Whatever happened meanwhile, and whatever could not be read.
      if (event.connection === "online" && everLost) void queries.invalidateQueries();
      everLost ||= event.connection === "lost";
      return;
    }
    // Where the session is over, the page becomes the sign-in.
    if (event.kind === "refused") return void queries.invalidateQueries({ queryKey: SESSION_KEY });
    const { change } = event;
    switch (change.kind) {
      case "project":
        return showProject(queries, change.project);
      case "ended":
        void queries.invalidateQueries({ queryKey: ["project", change.project_id] });
        return;
      case "changed":
        return changeLists(queries, recent, change.project.project_id, change.project);
      case "removed":
        return changeLists(queries, recent, change.project_id);
      case "reset":
        recent.clear();
        void queries.invalidateQueries({ queryKey: ["builds"] });
        void queries.invalidateQueries({ queryKey: ["statistics"] });
        return;
      case "log":
        return;
      default:
        return change satisfies never;
    }
  };
}

/** Shows a state of a project wherever it is shown, such as the answer of a mutation. An older one changes nothing. */
export function showProject(queries: QueryClient, project: Project): void {
  queries.setQueryData<Project>(["project", project.project_id], (known) => newerProject(known, project));
}

/** Of two states of a project the later one. One that was deleted and made again begins at revision 1 once more. */
export function newerProject(known: Project | undefined, other: Project): Project {
  if (!known || known.project_id !== other.project_id) return other;
  if (known.created_at !== other.created_at) return known.created_at > other.created_at ? known : other;
  return known.revision > other.revision ? known : other;
}
