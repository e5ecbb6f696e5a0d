import type { Project } from "../snapshot/schema.ts";

/** The last projects that this process saw: what it knows helps it choose a patch and never decides anything. */
export class Knowledge {
  readonly #seen = new Map<string, Project>();
  readonly #atMost: number;

  constructor(atMost = 500) {
    this.#atMost = atMost;
  }

  get(projectId: string): Project | undefined {
    return this.#seen.get(projectId);
  }

  /** Keeps the newest that was seen; an answer that arrives late does not replace a later one. */
  put(project: Project): void {
    const known = this.#seen.get(project.project_id);
    if (known && known.created_at === project.created_at && known.revision > project.revision) return;
    this.#seen.delete(project.project_id);
    this.#seen.set(project.project_id, project);
    const oldest = this.#seen.keys().next();
    if (this.#seen.size > this.#atMost && !oldest.done) this.#seen.delete(oldest.value);
  }

  forget(projectId: string): void {
    this.#seen.delete(projectId);
  }
}
