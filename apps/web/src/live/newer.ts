import type { Project } from "../lib/trpc.ts";

/** Of two states of a project the later one. One that was deleted and made again begins at revision 1 once more. */
export function newerProject(known: Project | undefined, other: Project): Project {
  if (!known || known.project_id !== other.project_id) return other;
  if (known.created_at !== other.created_at) return known.created_at > other.created_at ? known : other;
  return known.revision > other.revision ? known : other;
}
