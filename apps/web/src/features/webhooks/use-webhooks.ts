import { useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type Outputs, useApi } from "../../lib/api.ts";
import { messages } from "./messages.ts";

export type Webhook = Outputs["webhooks"]["list"]["items"][number];
export type Delivery = Outputs["webhooks"]["deliveries"]["items"][number];
export type WebhookAction = "pause" | "resume" | "rotate" | "delete";

/** What a new webhook gets unless said otherwise. */
export const BUILD_EVENTS = [
  "build.started",
  "build.waiting",
  "build.completed",
  "build.failed",
  "build.cancelled",
] as const satisfies Webhook["events"];

export const EVENTS = [
  ...BUILD_EVENTS,
  "build.slow",
  "queue.stuck",
  "workers.none",
  "budget.low",
  "budget.spent",
] as const satisfies Webhook["events"];

/** What is done to a webhook from the list. `onSecret` is given the new secret of a rotated one. */
export function useWebhookAction(onSecret: (secret: string) => void) {
  const t = useMessages(messages);
  const api = useApi();
  const textOf = useErrorText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ action, webhook_id }: { action: WebhookAction; webhook_id: string }) => {
      switch (action) {
        case "pause":
          await api.webhooks.update({ webhook_id, status: "paused" });
          return;
        case "resume":
          await api.webhooks.update({ webhook_id, status: "active" });
          return;
        case "rotate":
          onSecret((await api.webhooks.rotate({ webhook_id })).secret);
          return;
        case "delete":
          await api.webhooks.delete({ webhook_id });
          toast.say(t.deleted);
          return;
        default:
          return action satisfies never;
      }
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["webhooks"] }),
  });
}
