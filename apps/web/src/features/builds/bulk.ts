import { useMutation } from "@tanstack/react-query";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type ProjectStatus, type ProjectSummary, type StagefoldClient, useApi } from "../../lib/api.ts";
import { newId } from "../../lib/new-id.ts";
import { bulkMessages } from "./bulk-messages.ts";

export const BULK_ACTIONS = ["pause", "resume", "retry", "cancel", "delete"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

const OPEN = ["pending", "queued", "building", "waiting", "paused"] as const satisfies ProjectStatus[];

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
  api: StagefoldClient,
  action: BulkAction,
  builds: readonly ProjectSummary[],
): Promise<BulkResult> {
  const waiting = [...builds];
  const errors: unknown[] = [];
  const work = async () => {
    for (let build = waiting.shift(); build; build = waiting.shift()) {
      try {
        await api.projects[action]({
          project_id: build.project_id,
          operation_id: newId(),
        });
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done: builds.length - errors.length, errors };
}

/** Does something to several builds and says how it went; what changed comes by the event stream. */
export function useBulk(onDone: () => void) {
  const t = useMessages(bulkMessages);
  const api = useApi();
  const textOf = useErrorText();
  const say = (action: BulkAction, { done, errors }: BulkResult) => {
    if (done > 0) toast.say(t[`done_${action}`](done));
    if (errors.length > 0)
      toast.fail(t.notDone(errors.length), [...new Set(errors.map(textOf))].slice(0, 3).join(" "));
  };
  const mutation = useMutation({
    mutationFn: ({ action, builds }: { action: BulkAction; builds: readonly ProjectSummary[] }) =>
      doAll(api, action, builds),
    onSuccess: (result, { action }) => {
      say(action, result);
      if (result.errors.length === 0) onDone();
    },
  });
  return {
    running: mutation.isPending,
    run: (action: BulkAction, builds: readonly ProjectSummary[]) => mutation.mutate({ action, builds }),
  };
}
