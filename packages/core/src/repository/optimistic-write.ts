import { upgrade } from "../commands/import.ts";
import { DamagedDocumentError, isStagefoldError, StagefoldError } from "../errors.ts";
import { isCurrentVersion, normalise } from "../legacy/normalise.ts";
import type { Item, Patch, UpdatePatch } from "../patch/index.ts";
import type { LogChunk } from "../ports/artifact-store.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import type { Project } from "../snapshot/schema.ts";

/** One write: a patch, and the log lines that it acknowledges where the store keeps them (`keepsLogs`). */
export interface Change<P extends Patch = Patch> {
  readonly patch: P;
  readonly logs?: readonly LogChunk[];
  /** It only makes the item ready, as an upgrade does: the write that was asked for is decided after it. */
  readonly prepares?: boolean;
}

export interface WriteIntent {
  readonly project_id: string;
  /** What the writer believes is stored; left out when it knows nothing. */
  readonly stored?: Item | undefined;
  /** Chooses the write from what is stored; undefined when there is nothing to write; or refuses with a typed error. */
  readonly decide: (stored: Item | undefined) => Change | undefined | Promise<Change | undefined>;
  /** Whether the item that came back with a refusal shows that this very write took effect before. */
  readonly isOwnWrite: (item: Item) => boolean;
  /** How often to decide again from the item that came back; 1 unless other writers may rightly come in between. */
  readonly maxRetries?: number;
}

export interface WriteResult {
  /** Whether the write took effect, now or before. */
  readonly ok: boolean;
  /** The item after the write, or what is there instead. */
  readonly item: Item | undefined;
}

/**
 * The one caller of `store.write`: decide, write under the guards, and after a refusal decide again from the item that
 * came back. Errors: what `decide` throws, PROJECT_NOT_FOUND, PROJECT_CONFLICT when the item changed each time.
 */
export async function optimisticWrite(store: ProjectStore, intent: WriteIntent): Promise<WriteResult> {
  let { stored } = intent;
  for (let left = intent.maxRetries ?? 1; ; ) {
    const change = await intent.decide(stored);
    if (!change) return { ok: false, item: stored };
    const { patch, logs, prepares = false } = change;
    const { ok, item } = await store.write(patch, logs);
    if (ok && !prepares) return { ok, item };
    if (!item) throw notFound(intent.project_id);
    if (!ok && intent.isOwnWrite(item)) return { ok: true, item };
    // A refusal because of an older format is answered by an upgrade and counts as no try.
    const isOld = patch.kind === "update" && patch.transition !== "upgrade" && !isCurrentVersion(item);
    if (!ok && !isOld) {
      if (left === 0) throw changedMeanwhile(item);
      left -= 1;
    }
    stored = item;
  }
}

export interface UpdateIntent {
  readonly project_id: string;
  /** From the cache: it may be outdated, so it is read before it is a reason to refuse. */
  readonly cached?: Project | undefined;
  /** As it was just read, in place of `cached`. */
  readonly stored?: Item | undefined;
  readonly decide: (known: Project | undefined) => Change<UpdatePatch> | Promise<Change<UpdatePatch>>;
  readonly isOwnWrite: (project: Project) => boolean;
  readonly maxRetries?: number;
}

/** An `optimisticWrite` of one project that is there: upgrades an older format first, and answers with the project. */
export async function updateProject(store: ProjectStore, intent: UpdateIntent): Promise<Project> {
  const { project_id, isOwnWrite, maxRetries } = intent;
  let expected: Project | undefined;
  let known = intent.cached;
  let isFresh = false;
  const decide = async (stored: Item | undefined): Promise<Change | undefined> => {
    if (stored) {
      const project = normalise(stored);
      if (!isCurrentVersion(stored)) return { patch: upgrade(stored, project), prepares: true };
      known = project;
      isFresh = true;
      if (isOwnWrite(project)) return undefined;
    }
    for (;;) {
      let refusal: unknown;
      try {
        const change = await intent.decide(known);
        expected = change.patch.postImage;
        return change;
      } catch (error) {
        if (!worthReading(error, isFresh)) throw error;
        refusal = error;
      }
      const before = isFresh ? known : undefined;
      const item = await store.get(project_id, { consistent: true });
      if (!item) throw notFound(project_id);
      known = normalise(item);
      isFresh = true;
      if (isOwnWrite(known)) return undefined;
      if (before?.revision === known.revision) throw refusal;
    }
  };
  const written = await optimisticWrite(store, {
    project_id,
    stored: intent.stored,
    decide,
    isOwnWrite: (item) => isCurrentVersion(item) && isOwnWrite(normalise(item)),
    ...(maxRetries !== undefined && { maxRetries }),
  });
  if (!written.ok && known) return known;
  if (!written.item) throw notFound(project_id);
  // The project that the patch says has been parsed already.
  return expected !== undefined && written.item === expected ? expected : normalise(written.item);
}

/** Whether to read the item before believing a refusal. */
function worthReading(error: unknown, isFresh: boolean): boolean {
  // A document may just have been replaced together with the item that names it.
  if (error instanceof DamagedDocumentError) return true;
  // The size is not looked up again to refuse; the writer drops the project from the cache for its next try.
  return !isFresh && isStagefoldError(error) && error.code !== "SNAPSHOT_TOO_LARGE";
}

function changedMeanwhile(item: Item): StagefoldError {
  const actual = `${String(item.status)}, revision ${String(item.revision)}`;
  return new StagefoldError(
    "PROJECT_CONFLICT",
    `The project changed while this was decided: it is ${actual}.`,
    {
      expected: "unchanged",
      actual,
    },
  );
}

export function notFound(projectId: string) {
  return new StagefoldError("PROJECT_NOT_FOUND", `There is no project ${projectId}.`, {
    project_id: projectId,
  });
}

/** For writes to which a project that is gone is no error. */
export function ifGone(error: unknown): WriteResult {
  if (isStagefoldError(error, "PROJECT_NOT_FOUND")) return { ok: false, item: undefined };
  throw error;
}
