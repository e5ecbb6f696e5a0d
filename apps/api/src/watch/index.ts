import { ListHub } from "./list-hub.ts";
import { ProjectHub, type WatchDeps } from "./project-hub.ts";

export { type ListChange, ListHub } from "./list-hub.ts";
export { eventIdOf, ProjectHub, type ProjectReader, type WatchDeps } from "./project-hub.ts";

/** What all watches share: however many there are, the store is asked once. */
export interface Watch {
  readonly projects: ProjectHub;
  readonly list: ListHub;
}

export function createWatch(deps: WatchDeps): Watch {
  return { projects: new ProjectHub(deps), list: new ListHub(deps) };
}
