import { upgrade } from "../commands/import.ts";
import { isStagefoldError, StagefoldError } from "../errors.ts";
import { isCurrentVersion, normalise } from "../legacy/normalise.ts";
import type { Item, Patch, UpdatePatch } from "../patch/index.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import type { Project } from "../snapshot/schema.ts";

export interface Decision {
  readonly project_id: string;
  /** What the writer knows; undefined when it knows nothing. */
  readonly known: Project | undefined;
  /** Chooses the patch from what is known, or refuses with a typed error. */
  readonly decide: (known: Project | undefined) => UpdatePatch | Promise<UpdatePatch>;
  /** Whether the item that came back with a refusal shows that this very write took effect before. */
  readonly isOwnWrite: (project: Project) => boolean;
  /** How often to decide again from the item that came back; 1 unless others may write meanwhile by right. */
  readonly maxRetries?: number;
}

/**
 * One transition: decide, write under the guards, and after a refusal decide once more from the item that came
 * back. A refusal that was decided from old knowledge is looked at again with the item itself.
 */
export async function optimisticWrite(store: ProjectStore, decision: Decision): Promise<Project> {
  let { known } = decision;
  let fresh = false;
  for (let left = decision.maxRetries ?? 1; ; ) {
    const patch = await decideFrom(decision, known, fresh);
    if (patch === "read first") {
      known = await read(store, decision.project_id);
      if (decision.isOwnWrite(known)) return known;
      fresh = true;
      continue;
    }
    const written = await store.write(patch);
    if (!written.item) throw notFound(decision.project_id);
    if (written.ok) return postImage(patch, written.item) ?? normalise(written.item);
    if (!isCurrentVersion(written.item)) {
      known = await upgradeItem(store, written.item);
    } else {
      known = normalise(written.item);
      if (decision.isOwnWrite(known)) return known;
      if (left === 0) throw tooBusy(known);
      left -= 1;
    }
    fresh = true;
  }
}

/** The project that a patch foresaw, when the store answers with just that: it needs no second look. */
function postImage(patch: Patch, item: Item): Project | undefined {
  return patch.kind === "update" && patch.postImage === item ? patch.postImage : undefined;
}

async function decideFrom(
  decision: Decision,
  known: Project | undefined,
  fresh: boolean,
): Promise<Patch | "read first"> {
  try {
    return await decision.decide(known);
  } catch (error) {
    // Whoever decides forgets what it knew then: the size is not looked up to refuse, but it is at the next try.
    if (fresh || !isStagefoldError(error) || error.code === "SNAPSHOT_TOO_LARGE") throw error;
    return "read first";
  }
}

async function read(store: ProjectStore, projectId: string): Promise<Project> {
  const item = await store.get(projectId, { consistent: true });
  if (!item) throw notFound(projectId);
  return normalise(item);
}

/** Replaces an older form of the item as a whole, on the condition that nobody changed it meanwhile. */
export async function upgradeItem(store: ProjectStore, item: Item): Promise<Project> {
  const written = await store.write(upgrade(item, normalise(item)));
  if (!written.item) throw notFound(String(item.project_id));
  if (!written.ok && !isCurrentVersion(written.item))
    throw new StagefoldError(
      "PROJECT_CONFLICT",
      "The project is stored in an older form and changed while it was read.",
      {
        expected: "unchanged",
        actual: "changed",
      },
    );
  return normalise(written.item);
}

function tooBusy(known: Project): StagefoldError {
  return new StagefoldError(
    "PROJECT_CONFLICT",
    `The project changed while this was decided: it is ${known.status}, at revision ${known.revision}.`,
    { expected: "unchanged", actual: `${known.status}, revision ${known.revision}` },
  );
}

export function notFound(projectId: string) {
  return new StagefoldError("PROJECT_NOT_FOUND", `There is no project ${projectId}.`, {
    project_id: projectId,
  });
}
