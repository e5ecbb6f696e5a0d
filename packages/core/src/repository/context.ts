import { DamagedDocumentError, isStagefoldError } from "../errors.ts";
import { type Artifact, artifactsOfStage } from "../item-budget/manifest.ts";
import { normalise } from "../legacy/normalise.ts";
import type { Item } from "../patch/index.ts";
import type { ArtifactStore, AttemptRef, LogStore } from "../ports/artifact-store.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import { isNewerState } from "../snapshot/derive.ts";
import { findPart, findStage } from "../snapshot/find-stage.ts";
import { newOperationId } from "../snapshot/ids.ts";
import type { Project } from "../snapshot/schema.ts";
import { toTime } from "../snapshot/time.ts";
import { notFound } from "./optimistic-write.ts";
import { ProjectCache } from "./project-cache.ts";

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

/** What all verbs of a repository share: the stores, the time, the cache and the listeners. */
export class RepositoryContext {
  readonly store: ProjectStore;
  readonly heartbeatStore: ProjectStore;
  readonly files: { readonly artifacts: ArtifactStore; readonly logs: LogStore };
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly newId: () => string;
  readonly cache = new ProjectCache();
  readonly #listeners = new Set<(change: ProjectChange) => void>();

  constructor(options: RepositoryOptions) {
    this.store = options.store;
    this.heartbeatStore = options.heartbeatStore ?? options.store;
    this.files = { artifacts: options.artifacts, logs: options.logs };
    this.clock = options.clock ?? systemClock;
    this.leaseMs = options.leaseMs ?? 60_000;
    this.newId = options.newId ?? newOperationId;
  }

  /** The present time in the stored form. */
  now(): string {
    return toTime(this.clock.now());
  }

  /** The item as it is stored now. Errors: PROJECT_NOT_FOUND. */
  async read(projectId: string): Promise<Item> {
    const item = await this.store.get(projectId, { consistent: true });
    if (item) return item;
    this.cache.delete(projectId);
    throw notFound(projectId);
  }

  onChange(listener: (change: ProjectChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A write was acknowledged: caches the project and notifies the listeners. */
  changed(project: Project): void {
    this.cache.set(project);
    this.#notify({ kind: "changed", project });
  }

  /** After a write that no longer names these documents. One that stays is removed with its project. */
  async removeDocuments(projectId: string, names: readonly string[]): Promise<void> {
    await Promise.allSettled(names.map((name) => this.files.artifacts.removeDocument(projectId, name)));
  }

  /** After the write that ended these attempts. What cannot be sealed now is sealed by `purgeDeleted` a day later. */
  async sealLogs(ended: readonly AttemptRef[]): Promise<void> {
    const { logs } = this.files;
    await Promise.allSettled(ended.map((ref) => logs.seal?.(ref)));
  }

  /** A write met a deleted project: what it brought to the stores before goes too. */
  async removeLeftovers(error: unknown, projectId: string): Promise<void> {
    if (isStagefoldError(error, "PROJECT_NOT_FOUND")) await this.files.artifacts.removeProject(projectId);
  }

  deleted(projectId: string): void {
    this.cache.delete(projectId);
    this.#notify({ kind: "deleted", project_id: projectId });
  }

  /** All artifacts of a project, or of one stage or part of a stage, in the order of the stages. */
  async artifactsOf(project: Project, stage?: string): Promise<Artifact[]> {
    const part = stage === undefined ? undefined : findPart(project, stage);
    const all = project.stages_snapshot.stages;
    const stages = part ? [part.stage] : stage === undefined ? all : [findStage(project, stage).stage];
    const { artifacts } = this.files;
    const lists = await Promise.all(stages.map((one) => artifactsOfStage(project, one, artifacts))).catch(
      async (error: unknown) => {
        // A write may have replaced a document since the project was read: then its new list is what was asked for.
        if (!(error instanceof DamagedDocumentError)) throw error;
        const now = normalise(await this.read(project.project_id));
        if (!isNewerState(now, project)) throw error;
        return [await this.artifactsOf(now, stage)];
      },
    );
    return lists.flat().filter(({ sub_stage }) => !part || sub_stage === part.part);
  }

  #notify(change: ProjectChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // The write took effect, so its writer must not fail; the listener's error is thrown on its own.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
