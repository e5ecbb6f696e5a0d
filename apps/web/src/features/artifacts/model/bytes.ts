import { ConnectionError } from "@stagefold/client";
import type { StagefoldClient } from "../../../lib/api.ts";
import { codeOf } from "../../../lib/errors.ts";
import type { Address, Artifact } from "./artifact.ts";

/** The bytes of an artifact. Errors: as those of every call, also when the answer breaks off. */
export async function bytesOf(
  api: StagefoldClient,
  address: Address,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await api.artifacts.download(address, { signal });
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    throw new ConnectionError(api.url, `The answer of ${api.url} broke off.`, { cause: error });
  }
}

/** The same, or undefined for an artifact whose bytes are kept elsewhere: its record has no hash, the API no bytes. */
export async function storedBytesOf(
  api: StagefoldClient,
  artifact: Artifact,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await bytesOf(api, artifact, signal);
  } catch (error) {
    if (artifact.sha256 === undefined && codeOf(error) === "ARTIFACT_NOT_FOUND") return undefined;
    throw error;
  }
}
