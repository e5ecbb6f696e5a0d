import type { Repository } from "@stagefold/core";
import { ListHub, type ListHubOptions } from "./list-hub.ts";
import { ProjectHub, type ProjectHubOptions } from "./project-hub.ts";

export type { ListChange } from "./list-event.ts";
export { ListHub } from "./list-hub.ts";
export type { ProjectReader } from "./project-channel.ts";
export { ProjectHub } from "./project-hub.ts";
export { type ManyChange, watchMany } from "./watch-many.ts";

/** What those who watch share: however many they are, the store is asked once. */
export interface Watch {
  readonly projects: ProjectHub;
  readonly list: ListHub;
}

/** `onError` hears of polls that failed; they are tried again. */
export function createWatch(repository: Repository, options: ProjectHubOptions & ListHubOptions = {}): Watch {
  return { projects: new ProjectHub(repository, options), list: new ListHub(repository, options) };
}
