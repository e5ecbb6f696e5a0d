import type { ProjectStatus, ProjectSummary } from "@stagefold/core";

export interface ListFilter {
  readonly user_id?: string | undefined;
  readonly status?: ProjectStatus | undefined;
  readonly tag?: string | undefined;
  /** In the name, the id, the user or a tag, without regard to case. */
  readonly text?: string | undefined;
}

/** Whether a list has the project, has it no longer, or never had it: of what a filter looks at only the status changes. */
export function standing(project: ProjectSummary, filter: ListFilter): "in" | "out" | "never" {
  if (filter.user_id !== undefined && project.user_id !== filter.user_id) return "never";
  if (filter.tag !== undefined && !project.tags.includes(filter.tag)) return "never";
  if (filter.text !== undefined && !mentions(project, filter.text.toLowerCase())) return "never";
  return filter.status === undefined || project.status === filter.status ? "in" : "out";
}

function mentions(project: ProjectSummary, text: string): boolean {
  const { project_name, project_id, user_id, user_name, tags } = project;
  return [project_name, project_id, user_id, user_name, ...tags].some((one) =>
    one?.toLowerCase().includes(text),
  );
}
