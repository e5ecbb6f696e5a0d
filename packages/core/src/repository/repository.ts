import { DamagedDocumentError } from "../errors.ts";
import type { Artifact } from "../item-budget/manifest.ts";
import { normalise } from "../legacy/normalise.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import type { Project } from "../snapshot/schema.ts";
import { jsonObjectSchema } from "../snapshot/storable.ts";
import { ArtifactWrites } from "./artifacts.ts";
import { type ProjectChange, RepositoryContext, type RepositoryOptions } from "./context.ts";
import { Control } from "./control.ts";
import { Imports } from "./imports.ts";
import { Lists } from "./lists.ts";
import { notFound } from "./optimistic-write.ts";
import type { ProjectCache } from "./project-cache.ts";
import { Work } from "./work.ts";

/** The one way to projects: every change is one transition, one write. */
export class Repository {
  /** Create, pause, resume, cancel, retry, answer, delete. */
  readonly control: Control;
  /** Claim, heartbeat, report. */
  readonly work: Work;
  /** Recording and removing artifacts without a lease. */
  readonly artifacts: ArtifactWrites;
  readonly lists: Lists;
  /** Projects and rows of other tables. */
  readonly imports: Imports;
  readonly #context: RepositoryContext;

  constructor(options: RepositoryOptions) {
    const context = new RepositoryContext(options);
    this.#context = context;
    this.control = new Control(context);
    this.work = new Work(context);
    this.artifacts = new ArtifactWrites(context);
    this.lists = new Lists(context);
    this.imports = new Imports(context);
  }

  get store(): ProjectStore {
    return this.#context.store;
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get leaseMs(): number {
    return this.#context.leaseMs;
  }

  get cache(): ProjectCache {
    return this.#context.cache;
  }

  /** Errors: PROJECT_NOT_FOUND, SNAPSHOT_UNREADABLE. */
  async get(projectId: string, options?: { readonly consistent?: boolean }): Promise<Project> {
    const item = await this.store.get(projectId, options);
    if (!item) {
      this.cache.delete(projectId);
      throw notFound(projectId);
    }
    const project = normalise(item);
    this.cache.set(project);
    return project;
  }

  /** What the build was given, wherever it is kept; undefined for one without an input. Errors: STORE_UNAVAILABLE. */
  async inputOf({ project_id, input, input_ref }: Project): Promise<Record<string, unknown> | undefined> {
    if (input_ref === undefined) return input;
    const stored = await this.#context.files.artifacts.getDocument(project_id, input_ref);
    const parsed = jsonObjectSchema.safeParse(stored);
    if (parsed.success) return parsed.data;
    throw new DamagedDocumentError(project_id, input_ref);
  }

  /** All artifacts of a project, or of one stage or part of a stage, in the order of the stages. */
  async artifactsOf(project: Project, stage?: string): Promise<Artifact[]> {
    return await this.#context.artifactsOf(project, stage);
  }

  /** Called with every change that this process makes, after the store acknowledged it. Returns the way to stop. */
  onChange(listener: (change: ProjectChange) => void): () => void {
    return this.#context.onChange(listener);
  }

  /** The present time in the stored form. */
  now(): string {
    return this.#context.now();
  }
}
