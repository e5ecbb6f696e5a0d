import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import {
  type ArtifactInput,
  type ArtifactStore,
  type AttemptRef,
  artifactInputSchema,
} from "@stagefold/core";
import { z } from "zod";
import type { StageArtifact, StageReference } from "../runner/protocol.ts";
import { mediaTypeOf } from "./media-type.ts";
import { ArtifactPathError, findBelow } from "./safe-path.ts";

/** Bytes of one artifact. */
export const ARTIFACT_AT_MOST = 64 * 1024 * 1024;

/**
 * Stores a file of the workspace as an artifact of an attempt. Resolves, once its bytes are safe, with what the
 * project records of it. Errors: ArtifactPathError, PAYLOAD_TOO_LARGE, STORE_UNAVAILABLE.
 */
export async function storeArtifact(
  store: ArtifactStore,
  attempt: AttemptRef,
  workDir: string,
  given: StageArtifact,
): Promise<ArtifactInput> {
  const { path, sub_stage, media_type = mediaTypeOf(path), doc_path, metadata } = given;
  const file = await findBelow(await realpath(workDir), path);
  const found = await stat(file);
  if (!found.isFile()) throw new ArtifactPathError(`The artifact ${path} must be a file.`);
  if (found.size > ARTIFACT_AT_MOST) throw tooLarge(path, found.size);
  const entry = artifactInputSchema.safeParse({ path, sub_stage, media_type, doc_path, metadata });
  if (!entry.success) throw new ArtifactPathError(`The artifact ${path}: ${z.prettifyError(entry.error)}`);
  const stored = await store.put({ ...attempt, path }, createReadStream(file), { limit: ARTIFACT_AT_MOST });
  return { ...entry.data, size: stored.size, sha256: stored.sha256 };
}

/** What the project records of a file that is kept elsewhere. Errors: ArtifactPathError. */
export function referenceEntry(given: StageReference): ArtifactInput {
  const entry = artifactInputSchema.safeParse(given);
  if (!entry.success)
    throw new ArtifactPathError(`The artifact ${given.path}: ${z.prettifyError(entry.error)}`);
  return entry.data;
}

function tooLarge(path: string, size: number): ArtifactPathError {
  return new ArtifactPathError(`The artifact ${path} has ${size} bytes; it may have ${ARTIFACT_AT_MOST}.`);
}
