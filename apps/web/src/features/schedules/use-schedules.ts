import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type Outputs, useApi } from "../../lib/api.ts";
import { newId } from "../../lib/new-id.ts";
import { messages } from "./messages.ts";

export type Schedule = Outputs["schedules"]["list"]["items"][number];
export type ScheduleAction = "run" | "pause" | "resume" | "delete";

/** What is done to a schedule from the list. */
export function useScheduleAction() {
  const t = useMessages(messages);
  const api = useApi();
  const textOf = useErrorText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: async ({ action, schedule_id }: { action: ScheduleAction; schedule_id: string }) => {
      if (action === "run") {
        const { last } = await api.schedules.run({ schedule_id, operation_id: newId() });
        return last?.project_id;
      }
      await api.schedules[action]({ schedule_id });
      return undefined;
    },
    onSuccess: (projectId, { action }) => {
      if (action === "run") toast.say(t.ran);
      if (action === "delete") toast.say(t.deleted);
      if (projectId !== undefined) void navigate({ to: "/builds/$projectId", params: { projectId } });
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["schedule"] });
      return queries.invalidateQueries({ queryKey: ["schedules"] });
    },
  });
}
