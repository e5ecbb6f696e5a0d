import type { ListChange, ManyChange, ProjectFilter } from "../../api.ts";
import type { Project } from "../../model/project.ts";
import type { WatchOptions } from "../../options.ts";
import { isRecord } from "../error-from.ts";
import type { EventOf } from "../router-types.ts";
import type { Transport } from "../transport.ts";
import { watch } from "./watch.ts";

/** See `ProjectsApi.watch`. */
export async function* watchProject(
  transport: Transport,
  input: { project_id: string; lastEventId?: string | undefined },
  options?: WatchOptions,
): AsyncGenerator<Project, void> {
  const { project_id } = input;
  const request = {
    path: "projects.watch",
    input,
    keyOf: () => project_id,
    probe: (signal: AbortSignal) => transport.call("projects.get", { project_id }, { signal }),
  } as const;
  for await (const project of watch(transport, request, options)) yield project as EventOf<"projects.watch">;
}

/** See `ProjectsApi.watchList`. */
export async function* watchList(
  transport: Transport,
  input: ProjectFilter & { lastEventId?: string | undefined } = {},
  options?: WatchOptions,
): AsyncGenerator<ListChange, void> {
  const { lastEventId: _l, ...filter } = input;
  const request = {
    path: "projects.watchList",
    input,
    keyOf: projectIn,
    probe: (signal: AbortSignal) => transport.call("projects.list", { ...filter, limit: 1 }, { signal }),
  } as const;
  for await (const change of watch(transport, request, options))
    yield change as EventOf<"projects.watchList">;
}

/** See `ProjectsApi.watchMany`. */
export async function* watchMany(
  transport: Transport,
  input: { project_ids?: string[] | undefined; lastEventId?: string | undefined } = {},
  options?: WatchOptions,
): AsyncGenerator<ManyChange, void> {
  const request = {
    path: "projects.watchMany",
    input,
    // A project as a whole and its line in the list are told separately.
    keyOf: (change: unknown) =>
      `${isRecord(change) && change.kind === "project" ? "whole " : ""}${projectIn(change)}`,
    probe: (signal: AbortSignal) => transport.call("projects.list", { limit: 1 }, { signal }),
  } as const;
  for await (const change of watch(transport, request, options))
    yield change as EventOf<"projects.watchMany">;
}

/** See `ProjectsApi.waitForEnd`. */
export async function waitForEnd(
  transport: Transport,
  input: { project_id: string },
  options?: WatchOptions,
): Promise<Project> {
  for await (const project of watchProject(transport, input, options)) {
    const { status } = project;
    if (status === "completed" || status === "failed" || status === "cancelled") return project;
  }
  throw options?.signal?.reason;
}

function projectIn(change: unknown): string {
  const project = isRecord(change) && isRecord(change.project) ? change.project : change;
  return isRecord(project) ? String(project.project_id) : "";
}
