import { createClient } from "@stagefold/client";
import { itemBytes } from "@stagefold/core";
import type { Counted } from "./counting-proxy.ts";
import { startStack } from "./stack.ts";

/** What one build of `agent-build` asked of the engine. */
export interface BuildCount {
  readonly status: string;
  /** Writes that took effect, and what each kind is. */
  readonly writes: number;
  readonly visible_writes: number;
  readonly heartbeats: number;
  readonly refused: number;
  /** Requests that read this project: the worker's and the API's. */
  readonly reads: number;
  /** Queries for work and lists, while the build ran: what polling costs, whatever is built. */
  readonly queries: number;
  /** Transitions that the writes carried: create, claim, a start and an end of every stage, and what was gathered. */
  readonly transitions: number;
  /** Write units, by our own count of bytes and index entries. */
  readonly write_units: number;
  /** The finished item, in bytes. */
  readonly item_bytes: number;
}

/** Builds once on a system of its own, with everything that goes to the engine counted. */
export async function countBuild(requirement: string, engine?: "dynoxide" | "dynalite"): Promise<BuildCount> {
  await using stack = await startStack(engine);
  const client = createClient({ url: stack.url });
  const before = stack.proxy.requests.length;
  const { project_id } = await client.projects.create({ requirement });
  const project = await client.projects.waitForEnd({ project_id });
  const counted = stack.proxy.requests.slice(before);
  const mine = counted.filter((request) => request.project_id === project_id);
  const writes = mine.filter((request) => request.units > 0);
  const visible = writes.filter((request) => request.visible);
  const sum = (of: (request: Counted) => number) => writes.reduce((total, request) => total + of(request), 0);
  const stages = project.stages_snapshot.stages;
  return {
    status: project.status,
    writes: writes.length,
    visible_writes: visible.length,
    heartbeats: writes.length - visible.length,
    refused: mine.filter((request) => request.refused).length,
    reads: mine.filter((request) => request.operation === "GetItem").length,
    queries: counted.filter((request) => request.operation === "Query").length,
    // The log, the artifacts and the sub-stages that went along are not even counted as transitions of their own.
    transitions: 2 + stages.reduce((total, stage) => total + 1 + stage.attempt, 0),
    write_units: sum((request) => request.units),
    item_bytes: itemBytes(project),
  };
}
