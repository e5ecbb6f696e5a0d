import { StagefoldClientError } from "@stagefold/client";
import { isProjectId } from "@stagefold/core";
import { replaceEqualDeep, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { type Project, projectQuery, useApi } from "../lib/api.ts";
import { newerProject } from "./cache.ts";
import { useLive } from "./live-provider.tsx";

/**
 * A project that stays up to date by itself. After it was deleted there is an error (PROJECT_NOT_FOUND) beside the last
 * data: look at the error first. An id that no project can have is not found without asking: the server refuses it, and
 * with it the one stream of all tabs.
 */
export function useProject(projectId: string) {
  const api = useApi();
  const { hub } = useLive();
  const possible = isProjectId(projectId);
  useEffect(() => (possible ? hub.watch(projectId) : undefined), [hub, projectId, possible]);
  const query = projectQuery(api, projectId);
  return useQuery({
    ...query,
    ...(!possible && { queryFn: () => Promise.reject(notFound(projectId)) }),
    // An answer that was overtaken by an event is older than what is shown.
    structuralSharing: (known, next) => {
      const newest = newerProject(known as Project | undefined, next as Project);
      return replaceEqualDeep(known, newest);
    },
  });
}

function notFound(project_id: string): StagefoldClientError {
  return new StagefoldClientError("PROJECT_NOT_FOUND", `There is no project ${project_id}.`, { project_id });
}
