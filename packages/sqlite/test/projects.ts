import { type Item, newProject, newProjectId, type ProjectStore } from "@stagefold/core";

/** A project with three stages in the queue. */
export function aNewProject(
  given: Item = {},
  at = "2026-01-01T00:00:00.000Z",
): Item & { project_id: string } {
  const project_id = newProjectId();
  const project = newProject(
    {
      project_id,
      requirement: "a calculator",
      project_name: "calculator",
      pipeline: "test",
      pipeline_version: "1",
      tags: [],
      priority: 3,
      stages: [{ stage: "plan" }, { stage: "make" }, { stage: "check" }],
    },
    at,
  );
  return { ...project, ...given, project_id };
}

/** Puts a project into a store and answers with its id. */
export async function createNewProject(store: ProjectStore, given: Item = {}, at?: string): Promise<string> {
  const item = aNewProject(given, at);
  await store.write({ kind: "put", transition: "create", project_id: item.project_id, guards: [], item });
  return item.project_id;
}
