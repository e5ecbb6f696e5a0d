import { TRPCClientError } from "@trpc/client";
import { z } from "../../../lib/zod.ts";
import { type Address, artifactUrl } from "./artifact.ts";

/** A refusal of an artifact's address has the form of the procedures' refusals. */
const refusalSchema = z.object({ error: z.looseObject({ message: z.string(), data: z.unknown() }) });

/** The bytes of an artifact. Fails as procedures do: with what the API refused, or that it does not answer. */
export async function bytesOf(address: Address, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(artifactUrl(address), signal ? { signal } : {});
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    throw TRPCClientError.from(error instanceof Error ? error : new Error(String(error)));
  }
  throw TRPCClientError.from(await refusalOf(response));
}

async function refusalOf(response: Response): Promise<Error | z.output<typeof refusalSchema>> {
  const { data } = refusalSchema.safeParse(await response.json().catch(() => undefined));
  return data ?? new Error(`HTTP ${response.status}`);
}
