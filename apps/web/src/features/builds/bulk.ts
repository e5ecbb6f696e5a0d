import type { Client, ProjectStatus, ProjectSummary } from "../../lib/trpc.ts";

export const BULK_ACTIONS = ["pause", "resume", "retry", "cancel", "delete"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

const OPEN = ["pending", "queued", "building", "paused"] as const satisfies ProjectStatus[];

/** The states from which each is possible. A completed build is retried from a named stage alone: on its own page. */
const FROM: Readonly<Record<BulkAction, readonly ProjectStatus[]>> = {
  pause: ["queued", "building"],
  resume: ["pending", "paused"],
  retry: ["failed", "cancelled"],
  cancel: OPEN,
  delete: [...OPEN, "completed", "failed", "cancelled"],
};

export function possible(action: BulkAction, builds: readonly ProjectSummary[]): ProjectSummary[] {
  return builds.filter(({ status }) => FROM[action].includes(status));
}

/** What cannot be undone is asked about first. */
export function needsQuestion(action: BulkAction): action is "cancel" | "delete" {
  return action === "cancel" || action === "delete";
}

export interface BulkResult {
  readonly done: number;
  /** One for each build that was refused. */
  readonly errors: readonly unknown[];
}

const AT_ONCE = 6;

/** Does it to all of them; what one refuses does not keep the others. A repeat of a lost answer changes nothing. */
export async function doAll(
  client: Client,
  action: BulkAction,
  builds: readonly ProjectSummary[],
): Promise<BulkResult> {
  const waiting = [...builds];
  const errors: unknown[] = [];
  const work = async () => {
    for (let build = waiting.shift(); build; build = waiting.shift()) {
      try {
        await client.projects[action].mutate({
          project_id: build.project_id,
          operation_id: crypto.randomUUID(),
        });
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done: builds.length - errors.length, errors };
}
