import { Readable } from "node:stream";
import type { Artifact, StagefoldClient } from "@stagefold/client";
import { placeOf, saveFile, verified } from "./save.ts";

export interface Saved {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Whether there was a SHA-256 to hold it against. */
  readonly verified: boolean;
}

/** Saves an artifact below a folder. The file appears whole and verified, or not at all. */
export async function download(
  client: StagefoldClient,
  artifact: Artifact,
  folder: string,
  signal: AbortSignal,
): Promise<Saved> {
  const file = placeOf(artifact.path, folder);
  const { project_id, path, stage, attempt } = artifact;
  let size = 0;
  const open = async () => {
    const { body } = await client.artifacts.download({ project_id, path, stage, attempt }, { signal });
    return verified(artifact, body ? Readable.fromWeb(body) : Readable.from([]), (bytes) => {
      size = bytes;
    });
  };
  await saveFile(file, open, { signal });
  return { file, size, verified: artifact.sha256 !== undefined };
}
