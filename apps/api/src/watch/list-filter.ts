import { type ProjectFilter, type ProjectSummary, passesFilter } from "@stagefold/core";

export type ListFilter = Omit<ProjectFilter, "since" | "until">;

/** Whether a list has the project, has it no longer, or never had it: of what a filter looks at only the status changes. */
export function standing(project: ProjectSummary, filter: ListFilter): "in" | "out" | "never" {
  if (!passesFilter(project, { ...filter, status: undefined })) return "never";
  return filter.status === undefined || project.status === filter.status ? "in" : "out";
}
