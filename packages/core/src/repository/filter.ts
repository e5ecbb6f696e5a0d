import type { ProjectStatus, ProjectSummary } from "../snapshot/schema.ts";

// Apart from the lists themselves, and without their schemas: pages in a browser use it too.

export interface ProjectFilter {
  readonly user_id?: string | undefined;
  readonly status?: ProjectStatus | undefined;
  readonly tag?: string | undefined;
  /** In the name, the id, the user or a tag, without regard to case. */
  readonly text?: string | undefined;
  /** `created_at`, from (inclusive) and before. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Whether a list with this filter shows the project. */
export function passesFilter(summary: ProjectSummary, filter: ProjectFilter): boolean {
  if (filter.status !== undefined && summary.status !== filter.status) return false;
  if (filter.user_id !== undefined && summary.user_id !== filter.user_id) return false;
  if (filter.tag !== undefined && !summary.tags.includes(filter.tag)) return false;
  if (filter.text === undefined) return true;
  const wanted = filter.text.toLowerCase();
  return [summary.project_name, summary.project_id, summary.user_id, summary.user_name, ...summary.tags].some(
    (text) => text?.toLowerCase().includes(wanted),
  );
}
