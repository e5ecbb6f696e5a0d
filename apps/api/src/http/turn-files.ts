import {
  invocationIdSchema,
  isStagefoldError,
  refOf,
  type Turn,
  type TurnFile,
  type TurnTarget,
} from "@stagefold/core";
import type { TurnEngine } from "../agents/turn-engine.ts";
import { type Found, type GetAddress, noArtifact } from "./find-artifact.ts";

/**
 * What a turn names by a `ref`: a file that its agent wrote, the whole of what is too long for it, or a file of its
 * question. Nothing else below a session is served, such as what an owner wrote who lost the turn.
 * Errors: ARTIFACT_NOT_FOUND.
 */
export async function findTurnFile(turns: Pick<TurnEngine, "get">, address: GetAddress): Promise<Found> {
  const { project_id, stage, attempt, path } = address;
  const target = targetOf(address);
  if (stage === undefined || attempt === undefined || target === undefined) throw noArtifact(address);
  const ref = { project_id, stage, attempt, path };
  const turn = await turns.get(target).catch((error: unknown) => {
    if (isStagefoldError(error, "TURN_NOT_FOUND") || isStagefoldError(error, "SESSION_NOT_FOUND"))
      throw noArtifact(address);
    throw error;
  });
  const file = filesOf(turn).find((one) => one.ref === refOf(ref));
  if (file === undefined) throw noArtifact(address);
  return { ref, recorded: file };
}

/** The turn is the attempt: `turn` in the address of a question's file, which its session keeps for all of its turns. */
function targetOf({ project_id, attempt, turn }: GetAddress): TurnTarget | undefined {
  if (invocationIdSchema.safeParse(project_id).success) return { invocation_id: project_id };
  const number = turn ?? attempt;
  return number === undefined || number === 0 ? undefined : { session_id: project_id, turn: number };
}

type Named = Pick<TurnFile, "ref"> & Partial<TurnFile>;

function filesOf({ user, blocks }: Turn): Named[] {
  return [
    ...user.files,
    ...(user.ref ? [{ ref: user.ref, media_type: "text/plain" }] : []),
    ...blocks.flatMap((block): Named[] => {
      const made = block.type === "tool" ? (block.files ?? []) : [];
      if (!block.ref) return made;
      const media_type = block.type === "tool" ? "application/json" : "text/plain";
      return [{ ref: block.ref, media_type }, ...made];
    }),
  ];
}
