import { ConnectionError } from "@stagefold/client";
import type { Outputs, StagefoldClient } from "../../../lib/api.ts";
import { BASE } from "../../../lib/base.ts";
import { codeOf } from "../../../lib/errors.ts";

export type Artifact = Outputs["artifacts"]["listByProject"]["items"][number];

/** Which bytes are meant: of one attempt of a stage. */
export interface Address {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
  readonly path: string;
}

/** Where a browser gets an artifact from, as a link or an image. */
export function artifactUrl({ project_id, stage, attempt, path }: Address): string {
  const place = [project_id, ...path.split("/")].map(encodeURIComponent).join("/");
  return `${BASE}/artifacts/${place}?${new URLSearchParams({ stage, attempt: String(attempt) })}`;
}

/** The file's own name. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Of one path there may be several, by several stages: what tells them apart. */
export function keyOf({ stage, attempt, path }: Omit<Address, "project_id">): string {
  return `${stage} ${attempt} ${path}`;
}

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
