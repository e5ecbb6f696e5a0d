import type { Project } from "@stagefold/core";
import type { ErrorShape } from "../../errors.ts";
import { projectOutput } from "../../outputs.ts";
import { STREAM_OPTIONS } from "../../trpc.ts";
import { eventIdOf } from "../../watch/index.ts";

// Events as tRPC's own clients expect them, and as its server writes those of every other subscription.

export const CONNECTED = `event: connected\ndata: ${JSON.stringify(STREAM_OPTIONS)}\n\n\n`;
export const PING = "event: ping\ndata: \n\n\n";

const frames = new WeakMap<Project, Buffer>();

/** The event of a project's revision: encoded once for all readers. */
export function encodeProject(project: Project): Buffer {
  const known = frames.get(project);
  if (known) return known;
  const frame = Buffer.from(
    `data: ${JSON.stringify(projectOutput(project))}\nid: ${eventIdOf(project)}\n\n\n`,
  );
  frames.set(project, frame);
  return frame;
}

export function encodeError(shape: ErrorShape): string {
  return `event: serialized-error\ndata: ${JSON.stringify(shape)}\n\n\n`;
}
