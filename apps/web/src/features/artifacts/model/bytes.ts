import { ConnectionError } from "@stagefold/client";
import type { StagefoldClient } from "../../../lib/api.ts";
import type { Address } from "./artifact.ts";

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
