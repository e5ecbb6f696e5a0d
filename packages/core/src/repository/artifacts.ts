import { type Asker, isOwner, requireOwner } from "../commands/control-patch.ts";
import { nextRevision, sameRevision } from "../commands/revision.ts";
import { isStagefoldError } from "../errors.ts";
import { inflate, spill } from "../item-budget/spill.ts";
import { difference, type UpdatePatch } from "../patch/index.ts";
import {
  type ArtifactInput,
  type ArtifactMode,
  recordArtifacts,
  removeArtifacts,
} from "../project/artifacts.ts";
import { requireNotRunning } from "../project/require.ts";
import { withContents } from "../snapshot/derive.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { canonicalJson } from "../snapshot/ids.ts";
import type { Project, Stage } from "../snapshot/schema.ts";
import type { RepositoryContext } from "./context.ts";
import { notFound, updateProject } from "./optimistic-write.ts";

function isDone(project: Project, key: string, change: (stage: Stage) => Stage): boolean {
  const { stage } = findStage(project, key);
  // A full list that is a manifest is not compared: recording the same twice is the same.
  return stage.artifact_manifest === undefined && canonicalJson(change(stage)) === canonicalJson(stage);
}

/** Others may record at the same time: each decides again from what came back until it is its turn. */
const MAX_RETRIES = 30;

/** Artifacts of stages that do not run, recorded and removed without a lease. */
export class ArtifactWrites {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  record(
    projectId: string,
    stage: string,
    artifacts: readonly ArtifactInput[],
    mode: ArtifactMode,
    asker?: Asker,
  ): Promise<Project> {
    const at = this.#context.now();
    return this.#change("record_artifacts", projectId, stage, asker, (known) =>
      recordArtifacts(known, artifacts, mode, at),
    );
  }

  removeForStage(projectId: string, stage: string, asker?: Asker): Promise<Project> {
    return this.#change("remove_artifacts", projectId, stage, asker, removeArtifacts);
  }

  async #change(
    transition: UpdatePatch["transition"],
    projectId: string,
    key: string,
    asker: Asker | undefined,
    change: (stage: Stage) => Stage,
  ): Promise<Project> {
    let superseded: string[] = [];
    const project = await updateProject(this.#context.store, {
      project_id: projectId,
      cached: this.#context.cache.get(projectId),
      // As after a lost reply: what shall be there is there, with the time of this very call.
      isOwnWrite: (item) => isOwner(item, asker ?? {}) && isDone(item, key, change),
      maxRetries: MAX_RETRIES,
      decide: async (known) => {
        if (!known) throw notFound(projectId);
        requireOwner(known, asker ?? {});
        const { position } = findStage(known, key);
        const full = await inflate(known, position, this.#context.files.artifacts);
        const { stage } = findStage(full, key);
        requireNotRunning(stage);
        const changed = withContents(full, position, change(stage));
        superseded = [];
        const next = await spill(known, changed, this.#context.files.artifacts, superseded);
        const edits = difference(known, nextRevision(next, known, this.#context.now()));
        const guards = sameRevision(known);
        return { patch: { kind: "update", transition, project_id: projectId, guards, edits } };
      },
    }).catch(async (error: unknown) => {
      if (isStagefoldError(error, "SNAPSHOT_TOO_LARGE")) this.#context.cache.delete(projectId);
      await this.#context.removeLeftovers(error, projectId);
      throw error;
    });
    this.#context.changed(project);
    await this.#context.removeDocuments(projectId, superseded);
    return project;
  }
}
