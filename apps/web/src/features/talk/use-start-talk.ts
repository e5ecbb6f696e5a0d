import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { useApi } from "../../lib/api.ts";
import { messages } from "./messages.ts";

/** Begins a conversation with an agent, by its id, and goes there. */
export function useStartTalk() {
  const t = useMessages(messages);
  const api = useApi();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const textOf = useErrorText();
  return useMutation({
    mutationFn: (agent_id: string) => api.sessions.create({ agent_id }),
    onSuccess: (conversation) => {
      queries.setQueryData(["conversation", conversation.session_id], conversation);
      void queries.invalidateQueries({ queryKey: ["conversations"] });
      return navigate({ to: "/talk/$sessionId", params: { sessionId: conversation.session_id } });
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
  });
}
