import { isNewerState } from "../snapshot/derive.ts";
import type { Project } from "../snapshot/schema.ts";

const MAX_PROJECTS = 500;

/** The projects that this process saw last. They help a writer choose its patch; the guards alone decide. */
export class ProjectCache {
  readonly #projects = new Map<string, Project>();
  readonly #max: number;

  constructor(max = MAX_PROJECTS) {
    this.#max = max;
  }

  get(projectId: string): Project | undefined {
    return this.#projects.get(projectId);
  }

  /** Keeps the highest revision: an answer that arrives late does not replace a later one. */
  set(project: Project): void {
    const known = this.#projects.get(project.project_id);
    if (known && isNewerState(known, project)) return;
    this.#projects.delete(project.project_id);
    this.#projects.set(project.project_id, project);
    const oldest = this.#projects.keys().next();
    if (this.#projects.size > this.#max && !oldest.done) this.#projects.delete(oldest.value);
  }

  delete(projectId: string): void {
    this.#projects.delete(projectId);
  }
}
