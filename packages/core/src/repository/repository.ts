import { StagefoldError } from "../errors.ts";
import { type Artifact, artifactsOfStage } from "../item-budget/manifest.ts";
import { normalise } from "../legacy/normalise.ts";
import type { ArtifactStore, LogStore } from "../ports/artifact-store.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import { findPart, findStage } from "../snapshot/find-stage.ts";
import { newOperationId } from "../snapshot/ids.ts";
import type { Project } from "../snapshot/schema.ts";
import { toTime } from "../snapshot/time.ts";
import { ArtifactWrites } from "./artifacts.ts";
import { Control } from "./control.ts";
import { Imports } from "./imports.ts";
import { Lists } from "./lists.ts";
import { notFound } from "./optimistic-write.ts";
import { Knowledge } from "./project-cache.ts";
import { Work } from "./work.ts";

export interface RepositoryOptions {
  readonly store: ProjectStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  /** A store on a client of its own, so that heartbeats never wait behind anything else. */
  readonly heartbeatStore?: ProjectStore;
  readonly clock?: Clock;
  /** Milliseconds. */
  readonly leaseMs?: number;
  /** Names claims, each once among all processes; random unless given. */
  readonly newId?: () => string;
}

/** What just happened to a project, as far as this process saw it. */
export type ProjectChange =
  | { readonly kind: "changed"; readonly project: Project }
  | { readonly kind: "deleted"; readonly project_id: string };

/** The one way to projects: every change is one transition, one write. */
export class Repository {
  readonly store: ProjectStore;
  readonly heartbeatStore: ProjectStore;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly newId: () => string;
  /** Create, pause, resume, cancel, retry, delete. */
  readonly control: Control;
  /** Claim, heartbeat, report. */
  readonly work: Work;
  /** Recording and removing artifacts without a lease. */
  readonly artifacts: ArtifactWrites;
  readonly lists: Lists;
  /** Projects and rows of other tables. */
  readonly imports: Imports;
  readonly #files: ArtifactStore;
  readonly #knowledge = new Knowledge();
  readonly #listeners = new Set<(change: ProjectChange) => void>();

  constructor(options: RepositoryOptions) {
    this.store = options.store;
    this.heartbeatStore = options.heartbeatStore ?? options.store;
    this.clock = options.clock ?? systemClock;
    this.leaseMs = options.leaseMs ?? 60_000;
    this.newId = options.newId ?? newOperationId;
    this.#files = options.artifacts;
    this.control = new Control(this, options.artifacts);
    this.work = new Work(this, options);
    this.artifacts = new ArtifactWrites(this, options.artifacts);
    this.lists = new Lists(this);
    this.imports = new Imports(this, options);
  }

  /** Errors: PROJECT_NOT_FOUND, SNAPSHOT_UNREADABLE. */
  async get(projectId: string, options?: { readonly consistent?: boolean }): Promise<Project> {
    const item = await this.store.get(projectId, options);
    if (!item) {
      this.#knowledge.forget(projectId);
      throw notFound(projectId);
    }
    const project = normalise(item);
    this.saw(project, { quiet: true });
    return project;
  }

  /** All artifacts of a project, or of one stage or part of a stage, in the order of the stages. */
  async artifactsOf(project: Project, stage?: string): Promise<Artifact[]> {
    const part = stage === undefined ? undefined : findPart(project, stage);
    const all = project.stages_snapshot.stages;
    const stages = part ? [part.stage] : stage === undefined ? all : [findStage(project, stage).stage];
    const lists = await Promise.all(stages.map((one) => artifactsOfStage(project, one, this.#files)));
    return lists.flat().filter(({ sub_stage }) => !part || sub_stage === part.part);
  }

  /** Called with every change that this process makes, after the store acknowledged it. Returns the way to stop. */
  onChange(listener: (change: ProjectChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The present time in the stored form. */
  now(): string {
    return toTime(this.clock.now());
  }

  /** What this process last saw of a project. */
  knows(projectId: string): Project | undefined {
    return this.#knowledge.get(projectId);
  }

  /** Takes note of a project; unless `quiet`, tells the listeners. */
  saw(project: Project, options: { readonly quiet?: boolean } = {}): void {
    this.#knowledge.put(project);
    if (options.quiet !== true) this.#tell({ kind: "changed", project });
  }

  /** What is known of the project may be wrong: the next writer reads it. */
  forget(projectId: string): void {
    this.#knowledge.forget(projectId);
  }

  deleted(projectId: string): void {
    this.#knowledge.forget(projectId);
    this.#tell({ kind: "deleted", project_id: projectId });
  }

  #tell(change: ProjectChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // The write took effect: its writer must not hear of a listener's fault, but somebody must.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** The answer to input that no schema caught. */
export function invalidInput(message: string, issues: string[] = []): StagefoldError<"INVALID_INPUT"> {
  return new StagefoldError("INVALID_INPUT", message, issues.length > 0 ? { issues } : {});
}
