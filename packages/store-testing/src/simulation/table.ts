import {
  type DueWork,
  type Item,
  isStagefoldError,
  type ListPage,
  type ListQuery,
  MemoryProjectStore,
  normalise,
  type Patch,
  type Project,
  type ProjectStore,
  type StatusCounts,
  type Written,
} from "@stagefold/core";
import type { Scheduler } from "./scheduler.ts";

/** A write that took effect. `at` in epoch milliseconds of the virtual time. */
export interface Effect {
  readonly at: number;
  readonly patch: Patch;
  readonly project_id: string;
  readonly before: Project | undefined;
  readonly after: Project | undefined;
  /** It arrived after its sender had given it up, or had its answer. */
  readonly late: boolean;
  /** Why what was written cannot be read, if it cannot. */
  readonly unreadable?: string | undefined;
}

/** Control writes may be repeated under the same name; this says which, of those that have one. */
export function operationOf(patch: Patch): string | undefined {
  if (patch.kind !== "update") return undefined;
  const edit = patch.edits.find((one) => one.path[0] === "control");
  if (edit?.op !== "set" || typeof edit.value !== "object" || edit.value === null) return undefined;
  const op: unknown = Reflect.get(edit.value, "op");
  return typeof op === "string" ? op : undefined;
}

/** The one table of a run, where it really is: beyond every fault. Tells of each write that takes effect. */
export class Table {
  readonly #store: ProjectStore;
  readonly #scheduler: Scheduler;
  readonly #onEffect: (effect: Effect) => void;
  readonly #projects = new Map<string, Project>();
  readonly #versions: { readonly at: number; readonly id: string; readonly item: Item | undefined }[] = [];
  readonly #operations = new Map<string, string[]>();
  /** Of each control write: how many had taken effect when it last was sent and came in. */
  readonly #arrivals = new Map<string, number>();

  constructor(store: ProjectStore, scheduler: Scheduler, onEffect: (effect: Effect) => void) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#onEffect = onEffect;
  }

  /** All projects that are there now. */
  get projects(): readonly Project[] {
    return [...this.#projects.values()];
  }

  project(projectId: string): Project | undefined {
    return this.#projects.get(projectId);
  }

  /** Undefined for a copy that is let go: see `isOutlived`. */
  async write(patch: Patch, copy = false): Promise<Written | undefined> {
    if (this.#isOutlived(patch, copy)) return undefined;
    const written = await this.#store.write(patch);
    if (written.ok) this.#took(patch, written.item, copy);
    return written;
  }

  get(projectId: string): Promise<Item | undefined> {
    return this.#store.get(projectId);
  }

  getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    return this.#store.getMany(projectIds);
  }

  /** The indexes as they were `ageMs` ago. */
  async list(query: ListQuery, ageMs: number): Promise<ListPage> {
    return await (await this.#asOf(ageMs)).list(query);
  }

  counts(): Promise<StatusCounts> {
    return this.#store.counts();
  }

  async due(ageMs: number, ...query: Parameters<ProjectStore["due"]>): Promise<readonly DueWork[]> {
    return await (await this.#asOf(ageMs)).due(...query);
  }

  /**
   * A repeat of a control write is harmless until the next control write, and no longer: that is all the contract
   * promises. So copies beyond it are not delivered; of what they would do nothing could be said.
   */
  #isOutlived(patch: Patch, copy: boolean): boolean {
    const op = operationOf(patch);
    if (op === undefined) return false;
    const done = this.#operations.get(patch.project_id) ?? [];
    const before = this.#arrivals.get(op);
    if (before === undefined || !copy) this.#arrivals.set(op, done.length);
    return copy && done.slice(before ?? done.length).some((other) => other !== op);
  }

  #took(patch: Patch, item: Item | undefined, late: boolean): void {
    const { project_id } = patch;
    const before = this.#projects.get(project_id);
    const { project: after, unreadable } = patch.kind === "delete" || !item ? {} : read(item);
    if (after) this.#projects.set(project_id, after);
    else this.#projects.delete(project_id);
    const at = this.#scheduler.now;
    this.#versions.push({ at, id: project_id, item: patch.kind === "delete" ? undefined : item });
    // Create and delete are the ends of what an operation can mean.
    const op = operationOf(patch) ?? (patch.kind === "update" ? undefined : patch.kind);
    if (op !== undefined) this.#operations.set(project_id, [...(this.#operations.get(project_id) ?? []), op]);
    this.#onEffect({ at, patch, project_id, before, after, late, unreadable });
  }

  async #asOf(ageMs: number): Promise<ProjectStore> {
    if (ageMs === 0) return this.#store;
    const items = new Map<string, Item | undefined>();
    for (const { at, id, item } of this.#versions) if (at <= this.#scheduler.now - ageMs) items.set(id, item);
    const old = new MemoryProjectStore();
    for (const [project_id, item] of items)
      if (item) await old.write({ kind: "put", transition: "create", project_id, guards: [], item });
    return old;
  }
}

function read(item: Item): { readonly project?: Project; readonly unreadable?: string } {
  try {
    return { project: normalise(item) };
  } catch (error) {
    if (!isStagefoldError(error, "SNAPSHOT_UNREADABLE")) throw error;
    return { unreadable: error.message };
  }
}
