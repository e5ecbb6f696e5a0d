import type { ProjectStatus } from "../snapshot/schema.ts";

// Types alone are imported here: pages in a browser use it without the schemas.

/** Which projects a list shows: those that pass all that is given. */
export interface ProjectFilter {
  readonly user_id?: string | undefined;
  readonly status?: ProjectStatus | undefined;
  readonly agent_id?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly tag?: string | undefined;
  /** In the name, the id, the user's id or name, a tag or the beginning of the requirement, without regard to case. */
  readonly text?: string | undefined;
  /** `created_at`, from (inclusive) and before. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** What a list alone can find, and no change of a summary tells. */
export interface ListFilter extends ProjectFilter {
  /** Of some stage: `name` or `name=value`, see `noteFilterOf`. */
  readonly note?: string | undefined;
}

/** Whether a list with this filter shows the project: a summary, or a row of an index as it is stored. */
export function passesFilter(project: { readonly [field: string]: unknown }, filter: ProjectFilter): boolean {
  const { status, user_id, agent_id, pipeline, tag, since, until, text } = filter;
  const createdAt = String(project.created_at);
  return (
    (status === undefined || project.status === status) &&
    (user_id === undefined || project.user_id === user_id) &&
    (agent_id === undefined || project.agent_id === agent_id) &&
    (pipeline === undefined || project.pipeline === pipeline) &&
    (tag === undefined || (Array.isArray(project.tags) && project.tags.includes(tag))) &&
    (since === undefined || createdAt >= since) &&
    (until === undefined || createdAt < until) &&
    (text === undefined || hasText(project, text.toLowerCase()))
  );
}

const SEARCHED = ["project_name", "project_id", "user_id", "user_name", "requirement_preview"];

/** The texts of a project that a search looks at. */
export function searchedTexts(project: { readonly [field: string]: unknown }): string[] {
  const tags: unknown[] = Array.isArray(project.tags) ? project.tags : [];
  return [...SEARCHED.map((field) => project[field]), ...tags].filter((value) => typeof value === "string");
}

function hasText(project: { readonly [field: string]: unknown }, wanted: string): boolean {
  return searchedTexts(project).some((text) => text.toLowerCase().includes(wanted));
}
