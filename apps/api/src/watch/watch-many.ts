import { isStagefoldError, type Project, type StagefoldError } from "@stagefold/core";
import { endsLog, type LogChange, type LogReader, type LogRef, watchLog } from "../logs.ts";
import type { ListChange } from "./list-hub.ts";
import { mergeAsyncIterables } from "./merge-async-iterables.ts";
import { eventIdOf, type ProjectHub } from "./project-hub.ts";

/** A change of the list, of one of the projects that are watched as a whole, or of one of the logs. */
export type ManyChange =
  | ListChange
  | { readonly kind: "project"; readonly project: Project }
  /** Nothing more comes of this project: it is not there, or cannot be read. */
  | {
      readonly kind: "ended";
      readonly project_id: string;
      readonly code: "PROJECT_NOT_FOUND" | "SNAPSHOT_UNREADABLE";
    }
  | ({ readonly kind: "log"; readonly project_id: string; readonly stage: string } & LogChange);

export interface ManyEvent {
  readonly id: string;
  readonly change: ManyChange;
}

/** What stands between the place in the list and the places in the logs in the id of an event. */
const LOGS = "~";

/**
 * The changes of the whole list, of some projects and of some logs in one stream: each project at once, then every later
 * state; the lines of each log that are there, then every later one. An event's id is the place in the list, for a
 * project with its revision added, and the place in each log; a reader that comes back gets the projects as they are.
 */
export async function* watchMany(
  reader: LogReader,
  { projectIds, logs = [] }: { readonly projectIds: readonly string[]; readonly logs?: readonly LogRef[] },
  { after, signal }: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ManyEvent, void, undefined> {
  const { watch: hubs } = reader;
  const [seen = "", ...places] = after?.split(LOGS) ?? [];
  let place = after === undefined ? undefined : seen.split("+", 1)[0];
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
  const cursors = logs.map((log, i) => places[i] || log.cursor || "");
  const texts = logs.map(
    (log, i) =>
      async function* (ending: AbortSignal) {
        for await (const change of watchOneLog(reader, { ...log, cursor: cursors[i] || undefined }, ending)) {
          cursors[i] = change.cursor;
          yield { id: `${placeNow()}+log`, change };
        }
      },
  );
  for await (const event of mergeAsyncIterables<ManyEvent>([list, ...wholes, ...texts], signal))
    yield cursors.length === 0 ? event : { ...event, id: [event.id, ...cursors].join(LOGS) };
}

/** A log that cannot be watched is over here; a reader that reads it is told why. */
async function* watchOneLog(reader: LogReader, log: LogRef, signal: AbortSignal) {
  const { project_id, stage } = log;
  try {
    for await (const change of watchLog(reader, log, signal))
      yield { kind: "log" as const, project_id, stage, ...change };
  } catch (error) {
    if (!endsLog(error)) throw error;
    const { attempt = 1, cursor = "" } = log;
    yield { kind: "log" as const, project_id, stage, lines: [], attempt, from: null, cursor, over: true };
  }
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
