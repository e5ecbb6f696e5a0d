import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type Agent, useApi } from "../../lib/api.ts";
import { messages } from "./messages.ts";

/** Everything that can be done to one agent. */
export function useAgentControl({ agent_id }: Agent) {
  const t = useMessages(messages);
  const api = useApi();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const textOf = useErrorText();
  const handlers = {
    onSuccess: (agent: Agent) => {
      queries.setQueryData(["agent", agent_id], agent);
      void queries.invalidateQueries({ queryKey: ["agents"] });
    },
    onError: (error: unknown) => {
      toast.fail(t.failed, textOf(error));
    },
  };
  const enable = useMutation({
    ...handlers,
    mutationFn: (on: boolean) => (on ? api.agents.enable({ agent_id }) : api.agents.disable({ agent_id })),
  });
  const choose = useMutation({
    ...handlers,
    mutationFn: (version: number) => api.agents.setVersion({ agent_id, version }),
    onSuccess: (agent) => {
      handlers.onSuccess(agent);
      toast.say(t.rolledBack(agent.version));
    },
  });
  const remove = useMutation({
    mutationFn: () => api.agents.delete({ agent_id }),
    onError: handlers.onError,
    onSuccess: () => {
      toast.say(t.deleted);
      void queries.invalidateQueries({ queryKey: ["agents"] });
      return navigate({ to: "/agents", search: {} });
    },
  });
  return {
    busy: enable.isPending || choose.isPending || remove.isPending,
    enable: (on: boolean) => enable.mutate(on),
    choose: (version: number) => choose.mutate(version),
    remove: () => remove.mutate(),
  };
}

export type AgentControl = ReturnType<typeof useAgentControl>;
