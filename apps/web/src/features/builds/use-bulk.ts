import { useMutation } from "@tanstack/react-query";
import { useToast } from "../../components/ui/toast.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type ProjectSummary, useTRPCClient } from "../../lib/trpc.ts";
import { type BulkAction, type BulkResult, doAll } from "./bulk.ts";
import { messages } from "./messages.ts";

/** Does something to several builds and says how it went; what changed comes by the event stream. */
export function useBulk(onDone: () => void) {
  const t = useMessages(messages);
  const client = useTRPCClient();
  const toast = useToast();
  const textOf = useErrorText();
  const say = (action: BulkAction, { done, errors }: BulkResult) => {
    if (done > 0) toast.say(t[`done_${action}`](done));
    if (errors.length > 0)
      toast.fail(t.notDone(errors.length), [...new Set(errors.map(textOf))].slice(0, 3).join(" "));
  };
  const mutation = useMutation({
    mutationFn: ({ action, builds }: { action: BulkAction; builds: readonly ProjectSummary[] }) =>
      doAll(client, action, builds),
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
