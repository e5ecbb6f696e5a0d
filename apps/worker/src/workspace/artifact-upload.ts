import { constants } from "node:fs";
import { readlink, realpath } from "node:fs/promises";
import {
  type ArtifactInput,
  type ArtifactStore,
  type AttemptRef,
  artifactInputSchema,
  isStagefoldError,
  LIMITS,
} from "@stagefold/core";
import { errorCode, openRegularFile, type RegularFile } from "@stagefold/node-files";
import { z } from "zod";
import type { StageArtifact } from "../runner/protocol.ts";
import { mediaTypeOf } from "./media-type.ts";
import { ArtifactPathError, findBelow, isBelow } from "./safe-path.ts";

/** Permission bits that a restored file gets anyway. */
const USUAL_MODES = [0o644, 0o755];

/**
 * Stores a file of the workspace as an artifact of an attempt. Resolves, once its bytes are safe, with what the
 * project records of it. The stage may change anything in its workspace meanwhile: what is opened is what is checked,
 * never through a link that leads out, and never waiting for a pipe.
 * Errors: ArtifactPathError, PAYLOAD_TOO_LARGE, STORE_UNAVAILABLE.
 */
export async function storeArtifact(
  store: ArtifactStore,
  attempt: AttemptRef,
  workDir: string,
  given: StageArtifact,
): Promise<ArtifactInput> {
  const { path, media_type = mediaTypeOf(path) } = given;
  const file = await open(await realpath(workDir), path);
  try {
    const { size, mode } = file;
    if (size > LIMITS.artifact) throw tooLarge(path, size);
    const entry = artifactInputSchema.safeParse({
      ...given,
      media_type,
      ...((mode & constants.S_IXUSR) !== 0 && { executable: true }),
      ...(!USUAL_MODES.includes(mode) && { mode: mode.toString(8).padStart(4, "0") }),
    });
    if (!entry.success) throw new ArtifactPathError(`The artifact ${path}: ${z.prettifyError(entry.error)}`);
    const content = file.handle.createReadStream({ autoClose: false });
    const stored = await store.put({ ...attempt, path }, content, { limit: LIMITS.artifact });
    return { ...entry.data, size: stored.size, sha256: stored.sha256 };
  } catch (error) {
    // It grew while it was read.
    if (isStagefoldError(error, "PAYLOAD_TOO_LARGE")) throw tooLarge(path, LIMITS.artifact + 1);
    throw error;
  } finally {
    await file.handle.close();
  }
}

async function open(root: string, path: string): Promise<RegularFile> {
  const found = await openRegularFile(await findBelow(root, path));
  if (typeof found === "string")
    throw new ArtifactPathError(`The artifact ${path} must be a file; it is ${NAMES[found]}.`);
  const real = await placeOf(found);
  if (real === undefined || isBelow(root, real)) return found;
  await found.handle.close();
  throw new ArtifactPathError(`The artifact ${path} was replaced by a link that leads out of the workspace.`);
}

const NAMES = { missing: "gone", link: "a link", folder: "a folder", special: "a pipe or a device" } as const;

/** Where an open file really is: a folder on the way may have become a link. Undefined where no system tells. */
async function placeOf({ handle }: RegularFile): Promise<string | undefined> {
  try {
    return (await readlink(`/proc/self/fd/${handle.fd}`)).replace(/ \(deleted\)$/, "");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function tooLarge(path: string, size: number): ArtifactPathError {
  return new ArtifactPathError(`The artifact ${path} has ${size} bytes; it may have ${LIMITS.artifact}.`);
}
