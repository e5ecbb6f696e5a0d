import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type BuildFilter, type StagefoldClient, useApi } from "../../lib/api.ts";
import { newId } from "../../lib/new-id.ts";
import type { BulkAction } from "./bulk.ts";
import { bulkMessages } from "./bulk-messages.ts";

/** How many an action would reach, over all pages of the list. */
export async function countMatching(
  api: Pick<StagefoldClient, "projects">,
  action: BulkAction,
  filter: BuildFilter,
): Promise<number> {
  const { matched } = await api.projects.bulk({ action, filter, dry_run: true });
  return matched;
}

export interface MatchingResult {
  readonly done: number;
  /** What the API said of those that it refused, each sentence once. */
  readonly refusals: readonly string[];
  readonly refused: number;
}

/** Does it to all that match, page after page. `onProgress` hears how many are done. */
export async function doMatching(
  api: Pick<StagefoldClient, "projects">,
  action: BulkAction,
  filter: BuildFilter,
  onProgress: (done: number) => void,
): Promise<MatchingResult> {
  const operation_id = newId();
  const refusals = new Set<string>();
  let [done, refused] = [0, 0];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof api.projects.bulk>> = await api.projects.bulk({
      action,
      filter,
      operation_id,
      ...(cursor !== null && { cursor }),
    });
    done += page.done;
    refused += page.refused.length;
    for (const { message } of page.refused) refusals.add(message);
    onProgress(done);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return { done, refused, refusals: [...refusals] };
}

/** Counts first, asks with the number, then does it and says how it went. */
export function useMatching(filter: BuildFilter | undefined, onDone: () => void) {
  const t = useMessages(bulkMessages);
  const api = useApi();
  const textOf = useErrorText();
  const [question, setQuestion] = useState<{ action: BulkAction; count: number; filter: BuildFilter }>();
  const [done, setDone] = useState(0);
  const onError = (error: unknown) => {
    toast.fail(t.notCounted, textOf(error));
  };
  const count = useMutation({
    mutationFn: async (action: BulkAction) => {
      if (filter === undefined) return undefined;
      return { action, filter, count: await countMatching(api, action, filter) };
    },
    onSuccess: (counted) => {
      if (counted?.count === 0) toast.say(t.noneMatches);
      else setQuestion(counted);
    },
    onError,
  });
  const run = useMutation({
    mutationFn: (of: { action: BulkAction; filter: BuildFilter }) =>
      doMatching(api, of.action, of.filter, setDone),
    onMutate: () => setDone(0),
    onSuccess: (result, { action }) => {
      if (result.done > 0) toast.say(t[`done_${action}`](result.done));
      if (result.refused > 0) toast.fail(t.notDone(result.refused), result.refusals.slice(0, 3).join(" "));
      else onDone();
    },
    // What was done by then stays done, and a repeat leaves it alone.
    onError: (error) => {
      toast.fail(t.stopped(done), textOf(error));
    },
  });
  return {
    counting: count.isPending,
    running: run.isPending,
    done,
    question,
    begin: (action: BulkAction) => count.mutate(action),
    close: () => setQuestion(undefined),
    confirm: () => question && run.mutate(question),
  };
}
