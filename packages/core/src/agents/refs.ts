import { z } from "zod";
import { invalidInput } from "../errors.ts";
import { artifactPathSchema, stageKeySchema, storageOwnerSchema } from "../snapshot/ids.ts";

/** Where bytes are in the artifact store: the same fields as `ArtifactRef`. */
export interface StoredAt {
  /** A project, a session or an invocation. */
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
  readonly path: string;
}

const refSchema = z.tuple([
  storageOwnerSchema,
  stageKeySchema,
  z.coerce.number().int().min(0),
  artifactPathSchema,
]);

/** Where a turn keeps bytes: below its session or invocation, by its number and its fence. */
export interface TurnPlace {
  /** A session or an invocation. */
  readonly id: string;
  /** 0 without a session. */
  readonly turn: number;
  readonly token: number;
}

/** `blocks`: what is too long for the item; `made`: files that the agent wrote. */
export function placeOfTurn({ id, turn, token }: TurnPlace, kind: "blocks" | "made", path: string): StoredAt {
  return { project_id: id, stage: kind, attempt: turn, path: `${token}/${path}` };
}

/** One text for a place in the artifact store, as turns keep it: `<owner>/<stage>/<attempt>/<path>`. */
export function refOf({ project_id, stage, attempt, path }: StoredAt): string {
  return [project_id, stage, attempt, path].join("/");
}

/** The place that a `ref` names. Errors: INVALID_INPUT for a text that is none. */
export function parseRef(ref: string): StoredAt {
  const [owner, stage, attempt, ...path] = ref.split("/");
  const parsed = refSchema.safeParse([owner, stage, attempt, path.join("/")]);
  if (!parsed.success)
    throw invalidInput(`Expected a reference into the artifact store, found ${ref.slice(0, 100)}.`);
  const [project_id, stageKey, number, inner] = parsed.data;
  return { project_id, stage: stageKey, attempt: number, path: inner };
}
