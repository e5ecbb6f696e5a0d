import { isStagefoldError, type Project, type StagefoldError } from "@stagefold/core";

import type { ListChange, ListHub } from "./list-hub.ts";
import { mergeAsyncIterables } from "./merge-async-iterables.ts";
import { eventIdOf, type ProjectHub } from "./project-hub.ts";

/** A change of the list, or of one of the projects that are watched as a whole. */
export type ManyChange =
  | ListChange
  | { readonly kind: "project"; readonly project: Project }
  /** Nothing more comes of this project: it is not there, or cannot be read. */
  | {
      readonly kind: "ended";
      readonly project_id: string;
      readonly code: "PROJECT_NOT_FOUND" | "SNAPSHOT_UNREADABLE";
    };

export interface ManyEvent {
  readonly id: string;
  readonly change: ManyChange;
}

/**
 * The changes of the whole list and of some projects in one stream: each project at once, then every later state. An
 * event's id is the place in the list, for a project with its revision added; a reader that comes back gets the
 * projects as they are.
 */
export async function* watchMany(
  hubs: { readonly list: ListHub; readonly projects: ProjectHub },
  projectIds: readonly string[],
  { after, signal }: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ManyEvent, void, undefined> {
  let place = after?.split("+", 1)[0];
  const placeNow = () => place ?? hubs.list.place;
  const list = async function* (ending: AbortSignal) {
    const events = hubs.list.watch({}, { after: place, signal: ending });
    const first = events.next();
    // Watched from here on: what comes later has a later place.
    place ??= hubs.list.place;
    for (let next = await first; !next.done; next = await events.next()) {
      place = next.value.id;
      yield next.value;
    }
  };
  const wholes = projectIds.map(
    (id) => (ending: AbortSignal) => watchWhole(hubs.projects, id, ending, placeNow),
  );
  yield* mergeAsyncIterables<ManyEvent>([list, ...wholes], signal);
}

async function* watchWhole(
  hub: ProjectHub,
  projectId: string,
  signal: AbortSignal,
  place: () => string,
): AsyncGenerator<ManyEvent, void, undefined> {
  try {
    for await (const project of hub.watch(projectId, { signal }))
      yield { id: `${place()}+${projectId}.${eventIdOf(project)}`, change: { kind: "project", project } };
  } catch (error) {
    if (!endsProject(error)) throw error;
    const change = { kind: "ended", project_id: projectId, code: error.code } as const;
    yield { id: `${place()}+${projectId}`, change };
  }
}

function endsProject(
  error: unknown,
): error is StagefoldError & { code: "PROJECT_NOT_FOUND" | "SNAPSHOT_UNREADABLE" } {
  return isStagefoldError(error, "PROJECT_NOT_FOUND") || isStagefoldError(error, "SNAPSHOT_UNREADABLE");
}
