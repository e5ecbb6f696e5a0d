import type { ProjectSummary } from "@stagefold/core";

/** What the readers of a list hear. `reset`: changes may have been missed, the list is to be read again. */
export type ListChange =
  | { readonly kind: "changed"; readonly project: ProjectSummary }
  | { readonly kind: "removed"; readonly project_id: string }
  | { readonly kind: "reset" };

export interface ListEvent {
  /** Names the event to a reader that comes back. */
  readonly id: string;
  readonly change: ListChange;
}

/** One change of the window, in the order in which it was seen. */
export interface NumberedChange {
  readonly number: number;
  readonly change: Exclude<ListChange, { kind: "reset" }>;
}

export function projectIdOf({ change }: NumberedChange): string {
  return change.kind === "changed" ? change.project.project_id : change.project_id;
}
