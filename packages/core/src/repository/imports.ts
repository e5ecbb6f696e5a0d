import { importItem, mergeImport, upgradeWith, weighed } from "../commands/import.ts";
import { DamagedDocumentError, StagefoldError } from "../errors.ts";
import { inflateLogs, spillLogs } from "../item-budget/old-logs.ts";
import { inflate, inflateOutput, spill } from "../item-budget/spill.ts";
import { isCurrentVersion, normalise } from "../legacy/normalise.ts";
import type { Item, UpdatePatch } from "../patch/index.ts";
import { summarise } from "../snapshot/derive.ts";
import { canonicalJson } from "../snapshot/ids.ts";
import type { Project } from "../snapshot/schema.ts";
import type { RepositoryContext } from "./context.ts";
import { notFound, optimisticWrite } from "./optimistic-write.ts";

/** Other writers may come in between: each decides again from the item that came back. */
const MAX_RETRIES = 10;

export interface MergeOptions {
  /** Also upgrade an older format when there is nothing to merge. */
  readonly upgrade?: boolean;
}

/** Projects and rows of other tables, brought into this one. Each change is one write. */
export class Imports {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /**
   * A project that the table does not have; what is too large for the item moves to the stores.
   * `created` is false when the id was taken: `item` is what is there, untouched.
   * Errors: SNAPSHOT_TOO_LARGE, INVALID_INPUT when no item can keep it.
   */
  async create(project: Project): Promise<{ readonly created: boolean; readonly item: Item }> {
    return await this.createAsIs(project.project_id, weighed(await this.#spill(project)));
  }

  /** The same for an item that stays as it is, to the byte: one that cannot be read, or of the current version. */
  async createAsIs(
    projectId: string,
    item: Item,
  ): Promise<{ readonly created: boolean; readonly item: Item }> {
    const written = await optimisticWrite(this.#context.store, {
      project_id: projectId,
      decide: (stored) => (stored ? undefined : { patch: importItem(projectId, item) }),
      // Refused, and yet this very item: the reply to an earlier try was lost.
      isOwnWrite: (stored) => canonicalJson(stored) === canonicalJson(item),
    });
    if (!written.item) throw notFound(projectId);
    return { created: written.ok, item: written.item };
  }

  /**
   * Changes a project, whatever format it is stored in. `decide` gives the project with the rows merged, or undefined
   * when they add nothing; it is asked again when the project changed meanwhile.
   * Errors: SNAPSHOT_UNREADABLE, PROJECT_NOT_FOUND, PROJECT_CONFLICT, SNAPSHOT_TOO_LARGE.
   */
  async merge(
    given: Item,
    decide: (known: Project) => Promise<Project | undefined>,
    options: MergeOptions = {},
  ): Promise<{ readonly changed: boolean; readonly item: Item }> {
    const project_id = normalise(given).project_id;
    const { ok, item } = await optimisticWrite(this.#context.store, {
      project_id,
      stored: given,
      maxRetries: MAX_RETRIES,
      decide: async (stored = given) => {
        const known = normalise(stored);
        const next = await decide(known);
        if (!next && (isCurrentVersion(stored) || options.upgrade !== true)) return undefined;
        return { patch: await this.#patch(stored, known, next) };
      },
      // Rows that are there already add nothing: the next decision says so.
      isOwnWrite: () => false,
    });
    if (!item) throw notFound(project_id);
    return { changed: ok, item };
  }

  /**
   * The project with all that one of its stages keeps in the stores: its list, its output and its old log.
   * Errors: SNAPSHOT_UNREADABLE when a document that the item names is not there.
   */
  async inflate(project: Project, position: number): Promise<Project> {
    try {
      const listed = await inflate(project, position, this.#context.files.artifacts);
      return await inflateLogs(
        await inflateOutput(listed, position, this.#context.files.artifacts),
        position,
        this.#context.files.logs,
      );
    } catch (error) {
      if (!(error instanceof DamagedDocumentError)) throw error;
      const { project_id } = project;
      throw new StagefoldError("SNAPSHOT_UNREADABLE", error.message, { project_id }, { cause: error });
    }
  }

  async #patch(stored: Item, known: Project, next: Project | undefined): Promise<UpdatePatch> {
    const at = this.#context.now();
    if (isCurrentVersion(stored)) return mergeImport(known, next ? await this.#spill(next) : known, at);
    if (!next) return upgradeWith(stored, await this.#spill(known), undefined, at);
    return upgradeWith(stored, known, await this.#spill(next), at);
  }

  /** Every stage within the caps of the item, also those that nothing was added to. */
  async #spill(project: Project): Promise<Project> {
    const empty = { ...project, stages_snapshot: { ...project.stages_snapshot, stages: [] } };
    const spilled = await spill(
      empty,
      await spillLogs(project, this.#context.files.logs),
      this.#context.files.artifacts,
    );
    // The figures of an ended build that no worker of ours has summed up.
    if (spilled.build_summary === undefined || spilled.lease_seq > 0) return spilled;
    return { ...spilled, build_summary: summarise(spilled.stages_snapshot.stages) };
  }
}
