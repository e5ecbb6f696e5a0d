import type { RestProcedure } from "../http/rest/table.ts";

/** What the tools work with: the procedures, in this process or over HTTP. Errors: StagefoldError. */
export interface McpBackend {
  readonly version: string;
  call(procedure: RestProcedure, input: object): Promise<unknown>;
  /** The events of a subscription, until the signal is aborted. */
  events(procedure: RestProcedure, input: object, signal: AbortSignal): AsyncIterable<unknown>;
  /** The first bytes of an artifact, and how many there are in all. */
  artifact(address: ArtifactAddress, maxBytes: number): Promise<ArtifactBytes>;
}

export interface ArtifactAddress {
  readonly project_id: string;
  readonly path: string;
  readonly stage?: string | undefined;
  readonly attempt?: number | undefined;
}

export interface ArtifactBytes {
  readonly bytes: Uint8Array;
  /** Of the whole artifact. */
  readonly size: number;
  readonly mediaType: string;
}

/** The first bytes of a stream; the rest is not read. */
export async function firstBytes(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    parts.push(part);
    size += part.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(parts).subarray(0, maxBytes);
}
