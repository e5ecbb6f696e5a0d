import { Readable } from "node:stream";
import { isTrackedEnvelope } from "@trpc/server";
import type { Context } from "../context.ts";
import { findArtifact, getAddressSchema, noArtifact } from "../http/find-artifact.ts";
import { servedType } from "../http/media-type.ts";
import { callerOf } from "../http/rest/inputs.ts";
import type { RestProcedure } from "../http/rest/table.ts";
import { type ArtifactAddress, type ArtifactBytes, firstBytes, type McpBackend } from "./backend.ts";

/** The procedures in this process, for one caller. */
export class LocalBackend implements McpBackend {
  readonly version: string;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
    this.version = context.system.version;
  }

  call(procedure: RestProcedure, input: object): Promise<unknown> {
    return callerOf(this.#context, procedure)(input);
  }

  async *events(procedure: RestProcedure, input: object, signal: AbortSignal): AsyncGenerator<unknown> {
    const events = await callerOf(this.#context, procedure, signal)(input);
    for await (const event of events as AsyncIterable<unknown>) if (isTrackedEnvelope(event)) yield event[1];
  }

  async artifact(address: ArtifactAddress, maxBytes: number): Promise<ArtifactBytes> {
    const { repository, artifacts } = this.#context;
    const wanted = getAddressSchema.parse({ ...address, attempt: address.attempt?.toString() });
    // A role that may read a build may read what it made.
    await this.call("projects.get", { project_id: address.project_id });
    const { ref, recorded } = await findArtifact(repository, wanted);
    const stored = await artifacts.get(ref);
    if (!stored) throw noArtifact(wanted);
    const stream = stored.stream instanceof Readable ? stored.stream : Readable.from(stored.stream);
    try {
      const bytes = await firstBytes(stream, maxBytes);
      return { bytes, size: stored.size, mediaType: servedType(recorded?.media_type) };
    } finally {
      stream.destroy();
    }
  }
}
