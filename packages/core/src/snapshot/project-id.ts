// Imports nothing: pages in a browser use it without the schemas.

export const PROJECT_ID = /^proj_[0-9a-f]{12}$/;

/** Whether any project can have this id: `proj_` and 12 hex digits. */
export function isProjectId(text: string): boolean {
  return PROJECT_ID.test(text);
}
