import { touched, unchanged } from "../commands/report.ts";
import { isStagefoldError } from "../errors.ts";
import { fitItem, unfold } from "../item-budget/spill.ts";
import { difference, type UpdatePatch } from "../patch/index.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
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
import { notFound, transact } from "./optimistic-write.ts";
import type { Repository } from "./repository.ts";

function isDone(project: Project, key: string, change: (stage: Stage) => Stage): boolean {
  const { stage } = findStage(project, key);
  // A full list that is a manifest is not compared: recording the same twice is the same.
  return stage.artifact_manifest === undefined && canonicalJson(change(stage)) === canonicalJson(stage);
}

/** Others may record at the same time: each decides again from what came back until it is its turn. */
const TURNS = 30;

/** Artifacts of stages that do not run, recorded and removed without a lease. */
export class ArtifactWrites {
  readonly #repository: Repository;
  readonly #files: ArtifactStore;

  constructor(repository: Repository, files: ArtifactStore) {
    this.#repository = repository;
    this.#files = files;
  }

  record(
    projectId: string,
    stage: string,
    artifacts: readonly ArtifactInput[],
    mode: ArtifactMode,
  ): Promise<Project> {
    const at = this.#repository.now();
    return this.#change("record_artifacts", projectId, stage, (known) =>
      recordArtifacts(known, artifacts, mode, at),
    );
  }

  removeForStage(projectId: string, stage: string): Promise<Project> {
    return this.#change("remove_artifacts", projectId, stage, removeArtifacts);
  }

  async #change(
    transition: UpdatePatch["transition"],
    projectId: string,
    key: string,
    change: (stage: Stage) => Stage,
  ): Promise<Project> {
    const project = await transact(this.#repository.store, {
      project_id: projectId,
      known: this.#repository.knows(projectId),
      // As after a lost reply: what shall be there is there, with the time of this very call.
      own: (item) => isDone(item, key, change),
      again: TURNS,
      decide: async (known): Promise<UpdatePatch> => {
        if (!known) throw notFound(projectId);
        const { position } = findStage(known, key);
        const full = await unfold(known, position, this.#files);
        const { stage } = findStage(full, key);
        requireNotRunning(stage);
        const next = await fitItem(known, withContents(full, position, change(stage)), this.#files);
        const edits = difference(known, touched(next, known, this.#repository.now()));
        return { kind: "update", transition, project_id: projectId, guards: unchanged(known), edits };
      },
    }).catch((error: unknown) => {
      if (isStagefoldError(error, "SNAPSHOT_TOO_LARGE")) this.#repository.forget(projectId);
      throw error;
    });
    this.#repository.saw(project);
    return project;
  }
}
