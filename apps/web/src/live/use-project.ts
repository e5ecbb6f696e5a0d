import { replaceEqualDeep, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { type Project, useTRPC } from "../lib/trpc.ts";
import { useLive } from "./live-provider.tsx";
import { newerProject } from "./newer.ts";

/**
 * A project that stays up to date by itself. After it was deleted there is an error (PROJECT_NOT_FOUND) beside the last
 * data: look at the error first.
 */
export function useProject(projectId: string) {
  const trpc = useTRPC();
  const { hub } = useLive();
  useEffect(() => hub.watch(projectId), [hub, projectId]);
  return useQuery(
    trpc.projects.get.queryOptions(
      { project_id: projectId },
      {
        // An answer that was overtaken by an event is older than what is shown.
        structuralSharing: (known, next) => {
          const newest = newerProject(known as Project | undefined, next as Project);
          return replaceEqualDeep(known, newest);
        },
      },
    ),
  );
}
